import { SDK_CODES, type SdkCode } from '@hotpatch/protocol'
import { EMBEDDED_VERSION, type NewReport } from '../ground/report.ts'
import type { UpdateError } from '../ground/update-error.ts'
import type { PatchFault } from '../patch/patcher.ts'
import type { Offer } from '../server/update-contract.ts'
import { isRemembered } from '../state/stored-state.ts'
import type { UpdateFlowContext } from './flow-context.ts'
import { pairOf } from './offer-parts.ts'

/** What went wrong here: written down with its report, so that it is neither tried nor told again. */
export interface FailureMemory {
  /** Of a check or a download; no offer, no blame. Never rejects. */
  remember(error: UpdateError, offer: Offer | null): Promise<void>
  /** The release is not blamed: its bundle follows. Never rejects. */
  rememberPatch(fault: PatchFault, offer: Offer, patch: NonNullable<Offer['patch']>): Promise<void>
  /** The offer's patch, unless it failed on this device before. */
  untriedPatch(offer: Offer): Offer['patch']
}

type FailureContext = Pick<UpdateFlowContext, 'store' | 'outbox' | 'running' | 'patcher'>

export function createFailureMemory({ store, outbox, running, patcher }: FailureContext): FailureMemory {
  // What is tried again in this process is told once in it.
  const told = new Set<string>()

  async function remember(error: UpdateError, offer: Offer | null): Promise<void> {
    const { code } = error
    const { failed, refused } = store.current()
    const identity = offer && { releaseId: offer.releaseId, sequence: 0, sha256: offer.sha256 }
    const key = `${offer?.releaseId}:${code}`
    const isKnown = identity && (isRemembered(failed, identity) || isRemembered(refused, identity, code))
    // Being offline is no news of a release; the rest is told once, not at every start.
    if (code === 'check-failed' || told.has(key) || isKnown) return
    told.add(key)
    const version = offer?.version ?? running?.version ?? EMBEDDED_VERSION
    const report: NewReport = {
      kind: DOWNLOAD_CODES.has(code) ? 'download-failed' : 'failed',
      releaseId: offer?.releaseId ?? null,
      version,
      code,
      detail: error.message,
    }
    const entry = identity && !error.isRetryable ? [{ ...identity, code }] : []
    const list = SDK_CODES[code].blamesRelease ? 'failed' : 'refused'
    await store
      .commit((stored) => ({ ...stored, [list]: [...stored[list], ...entry] }), [report])
      .catch(() => outbox.keepInMemory(store.newReport(report)))
  }

  async function rememberPatch(
    { reason, error, isFinal, isOfDisk }: PatchFault,
    { releaseId, version }: Offer,
    patch: NonNullable<Offer['patch']>,
  ): Promise<void> {
    const tried = isFinal && 'tree' in patch ? [pairOf(patch)] : []
    const key = `${releaseId}:patch-failed`
    const isTold = isOfDisk || told.has(key)
    if (isTold && tried.length === 0) return
    told.add(key)
    const detail = `${reason}: ${error.message}`
    const report: NewReport = { kind: 'download-failed', releaseId, version, code: 'patch-failed', detail }
    const reports = isTold ? [] : [report]
    await store
      .commit((stored) => ({ ...stored, failedPatches: [...stored.failedPatches, ...tried] }), reports)
      .catch(() => (isTold ? undefined : outbox.keepInMemory(store.newReport(report))))
  }

  function untriedPatch({ kind, patch }: Offer): Offer['patch'] {
    if (!patcher || kind !== 'archive' || patch === null || !('tree' in patch)) return patch
    const { failedPatches } = store.current()
    const isFailed = failedPatches.some(({ baseTree, tree }) => baseTree === patch.baseTree && tree === patch.tree)
    return isFailed ? null : patch
  }

  return { remember, rememberPatch, untriedPatch }
}

/** The network's or the server's doing: such a failure says nothing of the release. */
const DOWNLOAD_CODES: ReadonlySet<SdkCode> = new Set<SdkCode>([
  'download-failed',
  'download-timeout',
  'download-too-large',
  'download-truncated',
])
