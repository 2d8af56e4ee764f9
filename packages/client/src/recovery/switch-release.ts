import type { SdkCode } from '@hotpatch/protocol'
import { binaryOf, type Binary } from '../ground/binary.ts'
import { clearStartCount } from '../state/crash-counter.ts'
import type { Ports } from '../ground/ports.ts'
import { inspectSlot } from '../state/release-tree.ts'
import { EMBEDDED_VERSION, type NewReport } from '../ground/report.ts'
import type { StateStore } from '../state/state-store.ts'
import { nextState, type UpdateEvent } from '../ground/states.ts'
import { PENDING, ROOT, SLOTS } from '../state/storage-layout.ts'
import { isRemembered, isSameRelease, type ActiveRelease, type Move, type StoredState } from '../state/stored-state.ts'

type SwitchPorts = Pick<Ports, 'files' | 'crypto' | 'host'>

/**
 * Engine §6: carries out a move. The intent is durable before the first rename; every step does nothing when it was
 * done before, so after a crash the whole is simply carried out again.
 */
export async function switchRelease(ports: SwitchPorts, store: StateStore, move: Move): Promise<void> {
  if (store.current().move !== move) await store.commit((state) => ({ ...state, move }))
  const isDone = move.release === null ? await dropAll(ports, move) : await bringIn(ports, store.current(), move)
  const finish = isDone ? finishMove : abandonMove
  const reports = reportsOf(store.current(), move, isDone)
  await clearStartCount(ports.files)
  await store.commit((state) => finish(state, move, binaryOf(ports.host)), reports)
}

/** What is staged turned out not to be whole: what ran before runs again. */
export async function forgetStaged(store: StateStore): Promise<void> {
  const release = store.current().staged?.release
  const reports = release ? [damageOf(release, 'the staged release is damaged')] : []
  await store.commit((state) => ({ ...state, staged: null }), reports)
}

/** Nothing older is left to fall back to; what is staged stays only where it may be the mend. */
async function dropAll({ files }: SwitchPorts, move: Move): Promise<true> {
  await files.remove(SLOTS.bundle)
  await files.remove(SLOTS.previous)
  if (!isFallback(move)) await files.remove(PENDING)
  await files.syncDirectory(ROOT)
  return true
}

/** False when what was to be brought in is not whole; then what was there before is there again. */
async function bringIn(ports: SwitchPorts, state: StoredState, move: Move): Promise<boolean> {
  const { files } = ports
  const source = move.from === 'previous' ? 'previous' : 'pending'
  const bundle = await inspectSlot(ports, 'bundle')
  if (isSameRelease(bundle, move.release) && !isSameRelease(bundle, state.active)) return true
  // Bytes that change places are read once more, all of them.
  const isWhole = isSameRelease(await inspectSlot(ports, source, { thorough: true }), move.release)
  if (!isWhole) {
    await putBack(ports, state)
    return false
  }
  if (move.keepsCurrent && isSameRelease(bundle, state.active)) {
    await files.remove(SLOTS.previous)
    await files.rename(SLOTS.bundle, SLOTS.previous)
  } else {
    await files.remove(SLOTS.bundle)
  }
  await files.syncDirectory(ROOT)
  await files.rename(SLOTS[source], SLOTS.bundle)
  // Where it is now before where it was: at worst it is in both places, never in none.
  await files.syncDirectory(ROOT)
  if (source === 'pending') await files.syncDirectory(PENDING)
  return true
}

async function putBack(ports: SwitchPorts, { active }: StoredState): Promise<void> {
  const isMovedAway = active && isSameRelease(await inspectSlot(ports, 'previous'), active)
  if (!isMovedAway || (await ports.files.stat(SLOTS.bundle))) return
  await ports.files.rename(SLOTS.previous, SLOTS.bundle)
  await ports.files.syncDirectory(ROOT)
}

/** Engine §2: what a move means for the release that it takes out of ota/bundle. */
const LEAVING: Readonly<Record<Move['why'], UpdateEvent>> = {
  update: 'superseded',
  'server-order': 'superseded',
  'binary-changed': 'superseded',
  'not-confirmed': 'starts-used-up',
  crashed: 'starts-used-up',
  'crashed-after-confirm': 'starts-used-up',
  damaged: 'damaged',
}

function isFallback({ why }: Move): boolean {
  return LEAVING[why] !== 'superseded'
}

function finishMove(state: StoredState, move: Move, binary: Binary): StoredState {
  const { active } = state
  const hasFailed = active && nextState(active.standing, LEAVING[move.why]) === 'rolled-back'
  const failed = hasFailed ? [...state.failed, { ...identityOf(active), code: codeOf(move) }] : state.failed
  const isOther = move.why === 'binary-changed'
  // It can have been fetched again while it was not started, on a disk on which its starts could not be counted.
  const hasStagedFailed = !!state.staged?.release && isRemembered(failed, state.staged.release)
  return {
    ...state,
    move: null,
    active: activeAfter(move),
    previous: previousAfter(state, move),
    staged: isFallback(move) && !hasStagedFailed ? state.staged : null,
    failed,
    // Another binary may meet what this one did not.
    refused: isOther ? [] : state.refused,
    fetching: isOther ? null : state.fetching,
    tellsReady: !isOther && state.tellsReady,
    binary,
  }
}

function codeOf({ why }: Move): SdkCode {
  return why === 'crashed' || why === 'crashed-after-confirm' ? why : 'not-confirmed'
}

function activeAfter(move: Move): ActiveRelease | null {
  if (!move.release) return null
  const next = nextState('staged', move.from === 'pending' ? 'start' : 'start-proven')
  return { ...move.release, standing: next === 'probation' ? 'probation' : 'confirmed' }
}

function previousAfter({ active, previous }: StoredState, move: Move): StoredState['previous'] {
  if (move.from !== 'pending') return null
  if (!move.keepsCurrent || !active) return previous
  const { standing: _, ...release } = active
  return release
}

function identityOf({ releaseId, sequence, sha256 }: ActiveRelease) {
  return { releaseId, sequence, sha256 }
}

/** What could not be brought in is forgotten; the next choice is made without it. */
function abandonMove(state: StoredState, move: Move): StoredState {
  const isStaged = isSameRelease(state.staged?.release, move.release)
  return {
    ...state,
    move: null,
    staged: isStaged ? null : state.staged,
    previous: move.from === 'previous' ? null : state.previous,
  }
}

function reportsOf({ active }: StoredState, move: Move, isDone: boolean): NewReport[] {
  const target = {
    releaseId: move.release?.releaseId ?? null,
    version: move.release?.version ?? EMBEDDED_VERSION,
  }
  if (!isDone) return [damageOf(target, 'the stored release is damaged')]
  const left = active && { releaseId: active.releaseId, version: active.version }
  switch (move.why) {
    case 'update':
    case 'server-order':
      return [{ ...target, kind: 'applied' }]
    case 'binary-changed':
      return left ? [{ ...target, kind: 'applied', detail: 'the app binary was replaced' }] : []
    case 'damaged':
      return left ? [damageOf(left, 'the running release is damaged')] : []
    case 'crashed':
    case 'crashed-after-confirm':
    case 'not-confirmed':
      return left ? [{ ...left, kind: 'rolled-back', code: move.why, detail: `now runs ${target.version}` }] : []
  }
}

function damageOf(release: Pick<NewReport, 'releaseId' | 'version'>, detail: string): NewReport {
  const { releaseId, version } = release
  return { kind: 'failed', releaseId, version, code: 'storage-failed', detail }
}
