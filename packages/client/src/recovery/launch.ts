import { binaryOf, isSameBinary } from '../ground/binary.ts'
import { chooseLaunch, countOf, fallback, isUsedUp, type LaunchFacts } from './choose-launch.ts'
import { endedBadly, noteStartCount, readStartCount, writeStartCount, type StartCount } from '../state/crash-counter.ts'
import type { Ports } from '../ground/ports.ts'
import { inspectSlot } from '../state/release-tree.ts'
import type { Limits } from '../ground/settings.ts'
import type { StateStore } from '../state/state-store.ts'
import { SLOTS, type Slot } from '../state/storage-layout.ts'
import { forgetStaged, switchRelease } from './switch-release.ts'
import { isSameRelease, type ActiveRelease, type InstalledRelease } from '../state/stored-state.ts'

export type Launch =
  | { kind: 'embedded' }
  | {
      kind: 'release'
      directory: string
      releaseId: string
      version: string
      /** Of files, where their list names one: the path, within the directory, of the file that is run first. */
      launch?: string
    }

type LaunchPorts = Pick<Ports, 'files' | 'crypto' | 'host'>
type StartLimits = Pick<Limits, 'startsOnProbation' | 'badStartsInARow'>

export interface StartOptions {
  /** The app is started without being shown. */
  inBackground?: boolean
}

// Each step brings the state closer to a launch: an unfinished move, the roll-back that it uncovers, the roll-back's
// second choice, a staged update, and its damage.
const MAX_STEPS = 8

/** Engine §3: what this start runs. Settles whatever a crash or the last session left behind; needs no network. */
export async function launch(
  ports: LaunchPorts,
  store: StateStore,
  limits: StartLimits,
  { inBackground = false }: StartOptions = {},
): Promise<InstalledRelease | null> {
  for (let count = 0; count < MAX_STEPS; count += 1) {
    const facts = await gatherFacts(ports, store, limits)
    const step = chooseLaunch(facts)
    switch (step.kind) {
      case 'move':
        await switchRelease(ports, store, step.move)
        break
      case 'forget-staged':
        await forgetStaged(store)
        break
      case 'launch':
        if (step.release?.standing === 'probation') await countStart(ports, step.release, facts)
        // Nobody waits for a screen: that none comes says nothing of the release.
        else if (step.release && !inBackground) await noteStart(ports, step.release, facts)
        return step.release
    }
  }
  throw new Error('the stored state does not settle')
}

/**
 * When the disk lets nothing be written, a release on probation cannot be counted and so is not started:
 * the last one that proved itself is, from where it lies.
 */
export async function launchWithoutWriting(
  ports: LaunchPorts,
  store: StateStore,
  limits: StartLimits,
): Promise<{ slot: Slot; release: InstalledRelease } | null> {
  const facts = await gatherFacts(ports, store, limits)
  const { state, slots, binary } = facts
  const { active } = state
  if (!isSameBinary(state.binary, binary)) return null
  if (active?.standing === 'confirmed' && isSameRelease(slots.bundle, active) && !isUsedUp(active, facts)) {
    return { slot: 'bundle', release: active }
  }
  const { release } = fallback(facts)
  return release && { slot: 'previous', release }
}

export function launchOf({ files }: Pick<Ports, 'files'>, release: InstalledRelease | null, slot: Slot): Launch {
  if (!release) return { kind: 'embedded' }
  const { releaseId, version, launch } = release
  const directory = files.locate(SLOTS[slot])
  return { kind: 'release', directory, releaseId, version, ...(launch !== undefined && { launch }) }
}

async function gatherFacts(
  ports: LaunchPorts,
  store: StateStore,
  { startsOnProbation, badStartsInARow }: StartLimits,
): Promise<LaunchFacts> {
  const state = store.current()
  const { active } = state
  const bundle = active ? await inspectSlot(ports, 'bundle') : undefined
  const count = active || state.move ? await readStartCount(ports.files) : undefined
  const starts = { state, count, startsOnProbation, badStartsInARow }
  // The usual start, of a confirmed release that is whole, looks at one slot only.
  const isSettled = active?.standing !== 'probation' && !state.staged && !state.move
  const isUsual = isSettled && (!active || (isSameRelease(bundle, active) && !isUsedUp(active, starts)))
  return {
    ...starts,
    slots: {
      bundle,
      previous: isUsual ? undefined : await inspectSlot(ports, 'previous'),
      pending: isUsual ? undefined : await inspectSlot(ports, 'pending'),
    },
    binary: binaryOf(ports.host),
  }
}

async function countStart({ files }: LaunchPorts, active: ActiveRelease, facts: LaunchFacts): Promise<void> {
  await writeStartCount(files, nextCount(active, countOf(active, facts)?.starts ?? 0))
}

/** Engine §3: not worth a wait for the disk, and no reason not to start what was confirmed. */
async function noteStart({ files }: LaunchPorts, active: ActiveRelease, facts: LaunchFacts): Promise<void> {
  const last = countOf(active, facts)
  const badStarts = last && endedBadly(last, facts.state) ? last.starts : 0
  await noteStartCount(files, nextCount(active, badStarts)).catch(() => undefined)
}

function nextCount({ releaseId, standing }: ActiveRelease, starts: number): StartCount {
  return { releaseId, standing, starts: starts + 1, hasCrashed: false, isReady: false }
}
