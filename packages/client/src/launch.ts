import { chooseLaunch, fallback, type LaunchFacts } from './choose-launch.ts'
import { readStartCount, writeStartCount } from './crash-counter.ts'
import type { Ports } from './ports.ts'
import { inspectSlot } from './release-tree.ts'
import type { Limits } from './settings.ts'
import type { StateStore } from './state-store.ts'
import { SLOTS, type Slot } from './storage-layout.ts'
import { forgetStaged, switchRelease } from './switch-release.ts'
import { isSameRelease, type ActiveRelease, type InstalledRelease } from './stored-state.ts'

export type Launch = { kind: 'embedded' } | { kind: 'release'; directory: string; releaseId: string; version: string }

type LaunchPorts = Pick<Ports, 'files' | 'crypto' | 'host'>
type StartLimits = Pick<Limits, 'startsOnProbation'>

// Each step brings the state closer to a launch: an unfinished move, the roll-back that it uncovers, the roll-back's
// second choice, a staged update, and its damage.
const MAX_STEPS = 8

/** Engine §3: what this start runs. Settles whatever a crash or the last session left behind; needs no network. */
export async function launch(
  ports: LaunchPorts,
  store: StateStore,
  limits: StartLimits,
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
  const { state, slots, nativeVersion } = facts
  if (state.nativeVersion !== nativeVersion) return null
  if (state.active?.standing === 'confirmed' && isSameRelease(slots.bundle, state.active)) {
    return { slot: 'bundle', release: state.active }
  }
  const { release } = fallback(facts)
  return release && { slot: 'previous', release }
}

export function launchOf({ files }: Pick<Ports, 'files'>, release: InstalledRelease | null, slot: Slot): Launch {
  if (!release) return { kind: 'embedded' }
  const { releaseId, version } = release
  return { kind: 'release', directory: files.locate(SLOTS[slot]), releaseId, version }
}

async function gatherFacts(
  ports: LaunchPorts,
  store: StateStore,
  { startsOnProbation }: StartLimits,
): Promise<LaunchFacts> {
  const state = store.current()
  const isSettled = state.active?.standing !== 'probation' && !state.staged && !state.move
  const bundle = state.active ? await inspectSlot(ports, 'bundle') : undefined
  // The usual start, of a confirmed release that is whole, looks at one slot only.
  const isUsual = isSettled && (!state.active || isSameRelease(bundle, state.active))
  return {
    state,
    slots: {
      bundle,
      previous: isUsual ? undefined : await inspectSlot(ports, 'previous'),
      pending: isUsual ? undefined : await inspectSlot(ports, 'pending'),
    },
    count: isUsual ? undefined : await readStartCount(ports.files),
    nativeVersion: ports.host.nativeVersion,
    startsOnProbation,
  }
}

async function countStart({ files }: LaunchPorts, { releaseId }: ActiveRelease, { count }: LaunchFacts): Promise<void> {
  const starts = count?.releaseId === releaseId ? count.starts : 0
  await writeStartCount(files, { releaseId, starts: starts + 1, hasCrashed: false })
}
