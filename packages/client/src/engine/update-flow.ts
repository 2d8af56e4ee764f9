import { isAllowedAddress } from '@hotpatch/device-ground'
import type { SdkCode } from '@hotpatch/protocol'
import { judgeEmbeddedOrder, type Judgement } from '../download/judge-offer.ts'
import { asUpdateError, type UpdateError } from '../ground/update-error.ts'
import type { UpdateState } from '../ground/states.ts'
import type { CheckRequest } from '../server/server-api.ts'
import type { CheckAnswer, EmbeddedOrder, NativeUpdate, Offer } from '../server/update-contract.ts'
import { LEFT_OVER, SLOTS } from '../state/storage-layout.ts'
import { isSameRelease } from '../state/stored-state.ts'
import { createFailureMemory } from './failure-memory.ts'
import type { UpdateFlowContext } from './flow-context.ts'
import { judgementContext, judgeOnDevice, type JudgedOffer } from './judge-on-device.ts'
import { stage } from './staging.ts'
import { takeBundle } from './take-bundle.ts'
import { takePatch } from './take-patch.ts'
import type { TakingContext } from './taking-context.ts'
import { createUpdateWay } from './update-way.ts'

export type UpdateOutcome =
  | { kind: 'up-to-date'; reason: string; nativeUpdate: NativeUpdate | null }
  | {
      kind: 'available'
      releaseId: string
      version: string
      mandatory: boolean
      sizeBytes: number
      /** What will come over the network, where that is known and not `sizeBytes`. */
      expectedBytes: number | null
      notes: string | null
    }
  | { kind: 'available-embedded'; mandatory: boolean; reason: string }
  /** `releaseId` is null when the next start runs what the binary shipped with. */
  | { kind: 'staged'; releaseId: string | null; version: string; mandatory: boolean }
  | { kind: 'failed'; code: SdkCode; error: UpdateError; releaseId: string | null }

/** What the last check found, judged: the judgement is not repeated, so it lives no longer than the process. */
type Offered =
  | ({ kind: 'release'; offer: Offer } & JudgedOffer)
  | { kind: 'embedded'; order: EmbeddedOrder; judgement: Judgement }

export interface UpdateFlow {
  check(): Promise<UpdateOutcome>
  download(): Promise<UpdateOutcome>
  state(): UpdateState
}

/** Engine §2, upper half of the table: from a question to a staged update. Neither function rejects. */
export function createUpdateFlow(given: UpdateFlowContext): UpdateFlow {
  const { ports, settings, patcher, store, source, tellTrust, running, emit } = given
  const { files } = ports
  const way = createUpdateWay(emit)
  const failures = createFailureMemory(given)
  const context: TakingContext = { ...given, way, failures }
  let offered: Offered | undefined

  async function check(): Promise<UpdateOutcome> {
    offered = undefined
    way.beginCheck()
    let answer: CheckAnswer | undefined
    try {
      answer = await source.check(await checkRequest(), running?.sequence, noteRefusal)
      return await takeAnswer(answer)
    } catch (error) {
      return fail(error, answer?.kind === 'offer' ? answer.offer : null)
    }
  }

  /** The server has the last word, and hears of it. */
  async function noteRefusal(error: UpdateError): Promise<void> {
    emit({ type: 'edge-refused', code: error.code, error })
    await failures.remember(error, null)
  }

  async function checkRequest(): Promise<CheckRequest> {
    const trust = await tellTrust()
    const failedReleaseIds = store.current().failed.map((release) => release.releaseId)
    const told = { failedReleaseIds, trust, patches: patcher?.formats(ports) ?? [] }
    if (running) return { version: running.version, releaseId: running.releaseId, ...told }
    const embeddedUpdateId = await findEmbedded()
    return { version: ports.host.nativeVersion, ...told, ...(embeddedUpdateId !== undefined && { embeddedUpdateId }) }
  }

  /** A binary that cannot be read is no reason not to ask. */
  async function findEmbedded(): Promise<string | undefined> {
    const found = await patcher?.findEmbedded({ ports, settings }).catch(() => undefined)
    return found?.tree
  }

  async function takeAnswer(answer: CheckAnswer): Promise<UpdateOutcome> {
    if (answer.kind === 'nothing') return nothingOffered(answer.reason, answer.nativeUpdate)
    if (answer.kind === 'embedded') {
      if (!running) return nothingOffered(answer.order.reason)
      const judgement = await judgeEmbeddedOrder(answer.order, judgementContext(context))
      offered = { kind: 'embedded', order: answer.order, judgement }
      way.advance('offered')
      const { mandatory, reason } = answer.order
      return { kind: 'available-embedded', mandatory, reason }
    }
    const { offer } = answer
    if (running?.releaseId === offer.releaseId) return nothingOffered('runs-the-target')
    const judged = await judgeOnDevice(offer, context)
    offered = { kind: 'release', offer, ...judged }
    way.advance('offered', offer.releaseId)
    const { releaseId, version, mandatory, sizeBytes, notes } = offer
    const patch = failures.untriedPatch(offer)
    const isPatched = patch && 'tree' in patch && patch.tree === judged.judgement.tree
    const expectedBytes = isPatched ? patch.sizeBytes : (offer.encryption?.sizeBytes ?? offer.expectedBytes)
    return { kind: 'available', releaseId, version, mandatory, sizeBytes, expectedBytes, notes }
  }

  async function nothingOffered(reason: string, nativeUpdate: NativeUpdate | null = null): Promise<UpdateOutcome> {
    if (store.current().staged) await store.commit((stored) => ({ ...stored, staged: null }))
    way.advance('nothing-offered')
    return { kind: 'up-to-date', reason, nativeUpdate }
  }

  async function download(): Promise<UpdateOutcome> {
    if (!offered) {
      const outcome = await check()
      if (!offered) return outcome
    }
    const target: Offered = offered
    offered = undefined
    try {
      return target.kind === 'embedded' ? await takeEmbedded(target) : await takeRelease(target)
    } catch (error) {
      const offer = target.kind === 'release' ? target.offer : null
      await clearPending(asUpdateError(error), offer).catch(() => undefined) // Tidying; the next download does it again.
      return fail(error, offer)
    }
  }

  async function takeEmbedded({ order, judgement }: Offered & { kind: 'embedded' }): Promise<UpdateOutcome> {
    await stage({ from: 'embedded', release: null }, judgement, [], context)
    way.advance('at-hand')
    return { kind: 'staged', releaseId: null, version: ports.host.nativeVersion, mandatory: order.mandatory }
  }

  async function takeRelease({ offer, judgement, source }: Offered & { kind: 'release' }): Promise<UpdateOutcome> {
    const { releaseId, version, mandatory } = offer
    if (source) {
      await stage(source, judgement, [], context)
      way.advance('at-hand', releaseId)
    } else {
      way.advance('download', releaseId)
      await noteBeginning(offer)
      const patched = await takePatch(offer, judgement, context)
      if (!patched.isStaged) await takeBundle(offer, judgement, patched.receivedBytes, context)
      way.advance('verified', releaseId)
      await removeLeftOver().catch(() => undefined) // It is staged; what is left over is removed next time.
    }
    return { kind: 'staged', releaseId, version, mandatory }
  }

  async function noteBeginning({ releaseId, version, sha256, bundleUrl }: Offer): Promise<void> {
    const fetching = { releaseId, sha256 }
    const isAllowed = isAllowedAddress(bundleUrl, settings.allowInsecure)
    if (!isAllowed || isSameRelease(store.current().fetching, fetching)) return
    await store.commit((stored) => ({ ...stored, fetching }), [{ kind: 'download-started', releaseId, version }])
  }

  /** What could be resumed is kept, except on a full disk: the app needs the room more. */
  async function clearPending({ code }: UpdateError, offer: Offer | null): Promise<void> {
    const kept = offer?.kind === 'files' ? KEPT_FILES : KEPT
    if (kept.has(code)) return
    await removeLeftOver()
    if (store.current().staged?.from !== 'pending') await files.remove(SLOTS.pending)
  }

  async function removeLeftOver(): Promise<void> {
    for (const path of LEFT_OVER) await files.remove(path)
  }

  /** Engine §7: whatever is refused is reported, and what runs goes on. */
  async function fail(cause: unknown, offer: Offer | null): Promise<UpdateOutcome> {
    const error = asUpdateError(cause)
    const { code } = error
    const releaseId = offer?.releaseId ?? null
    way.advance(!error.isRetryable && way.state() !== 'offered' ? 'refused' : 'failed', releaseId)
    emit({ type: 'failed', code, error, releaseId })
    await failures.remember(error, offer)
    return { kind: 'failed', code, error, releaseId }
  }

  return { check, download, state: way.state }
}

/** What has arrived can be gone on with. */
const KEPT: ReadonlySet<SdkCode> = new Set<SdkCode>(['download-failed', 'download-truncated', 'download-timeout'])
/** One file that is not what it should be says nothing of the others: each was verified by itself. */
const KEPT_FILES: ReadonlySet<SdkCode> = new Set<SdkCode>([...KEPT, 'hash-mismatch', 'download-too-large'])
