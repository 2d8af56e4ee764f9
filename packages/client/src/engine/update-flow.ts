import { EMPTY_TREE, SDK_CODES, type DecryptionKey, type DownloadArrival, type SdkCode } from '@hotpatch/protocol'
import { isAllowedAddress } from '@hotpatch/device-ground'
import { expectRoom } from '../ground/room.ts'
import type { Installer } from '../install/installer.ts'
import { getInstaller } from './installers.ts'
import type { CheckAnswer, EmbeddedOrder, NativeUpdate, Offer, PatchOffer } from '../server/update-contract.ts'
import {
  BUNDLE,
  discardDownload,
  download as downloadBytes,
  missingBytes,
  PATCH,
  verifyDownload,
  type DownloadContext,
  type Place,
  type Wanted,
} from '../download/download.ts'
import type { Decrypter } from '../decrypt/decrypter.ts'
import type { EngineEvent } from '../ground/engine-event.ts'
import { judgeEmbeddedOrder, judgeOffer, type Judgement } from '../download/judge-offer.ts'
import type { createOutbox } from '../server/outbox.ts'
import type { Ports } from '../ground/ports.ts'
import type { Patcher } from '../patch/patcher.ts'
import { inspectSlot } from '../state/release-tree.ts'
import { EMBEDDED_VERSION, type NewReport } from '../ground/report.ts'
import type { CheckRequest, ServerApi } from '../server/server-api.ts'
import type { Settings } from '../ground/settings.ts'
import type { StateStore } from '../state/state-store.ts'
import { nextState, type UpdateEvent, type UpdateState } from '../ground/states.ts'
import {
  LEFT_OVER,
  PENDING,
  PENDING_OPENED,
  PENDING_OPENED_PATCH,
  PENDING_PATCH,
  PENDING_TREE,
  PENDING_ZIP,
  SLOTS,
} from '../state/storage-layout.ts'
import {
  isRemembered,
  isSameRelease,
  type InstalledRelease,
  type Source,
  type StoredState,
} from '../state/stored-state.ts'
import type { TellTrust } from '../state/tell-trust.ts'
import { asUpdateError, UpdateError } from '../ground/update-error.ts'

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
  | { kind: 'release'; offer: Offer; judgement: Judgement; source: Source | null }
  | { kind: 'embedded'; order: EmbeddedOrder; judgement: Judgement }

export interface UpdateFlowContext {
  ports: Ports
  settings: Settings
  installers: readonly Installer[]
  patcher: Patcher | undefined
  decrypter: Decrypter | undefined
  /** That it opens by. */
  decryptionKeys: () => Promise<readonly DecryptionKey[]>
  store: StateStore
  server: ServerApi
  outbox: ReturnType<typeof createOutbox>
  tellTrust: TellTrust
  builtAt: number | null
  /** What this process runs; null is embedded. */
  running: InstalledRelease | null
  emit: (event: EngineEvent) => void
}

/** Engine §2, upper half of the table: from a question to a staged update. Neither function rejects. */
export function createUpdateFlow(context: UpdateFlowContext) {
  const {
    ports,
    settings,
    installers,
    patcher,
    decrypter,
    decryptionKeys,
    store,
    server,
    outbox,
    tellTrust,
    builtAt,
    running,
    emit,
  } = context
  const { files } = ports
  let state: UpdateState = 'idle'
  let offered: Offered | undefined
  const told = new Set<string>()

  function advance(event: UpdateEvent, releaseId: string | null = null): void {
    state = nextState(state, event)
    emit({ type: 'state', state, releaseId })
  }

  async function check(): Promise<UpdateOutcome> {
    offered = undefined
    if (state !== 'offered') state = 'idle'
    advance('check')
    let answer: CheckAnswer | undefined
    try {
      answer = await server.check(await checkRequest())
      return await takeAnswer(answer)
    } catch (error) {
      return fail(error, answer?.kind === 'offer' ? answer.offer : null)
    }
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
      const judgement = await judgeEmbeddedOrder(answer.order, judgementContext())
      offered = { kind: 'embedded', order: answer.order, judgement }
      advance('offered')
      const { mandatory, reason } = answer.order
      return { kind: 'available-embedded', mandatory, reason }
    }
    const { offer } = answer
    if (running?.releaseId === offer.releaseId) return nothingOffered('runs-the-target')
    const judged = await judge(offer)
    offered = { kind: 'release', offer, ...judged }
    advance('offered', offer.releaseId)
    const { releaseId, version, mandatory, sizeBytes, notes } = offer
    const patch = untriedPatch(offer)
    const isPatched = patch && 'tree' in patch && patch.tree === judged.judgement.tree
    const expectedBytes = isPatched ? patch.sizeBytes : (offer.encryption?.sizeBytes ?? offer.expectedBytes)
    return { kind: 'available', releaseId, version, mandatory, sizeBytes, expectedBytes, notes }
  }

  async function nothingOffered(reason: string, nativeUpdate: NativeUpdate | null = null): Promise<UpdateOutcome> {
    if (store.current().staged) await store.commit((stored) => ({ ...stored, staged: null }))
    advance('nothing-offered')
    return { kind: 'up-to-date', reason, nativeUpdate }
  }

  function judgementContext() {
    return { crypto: ports.crypto, host: ports.host, settings, builtAt, state: store.current() }
  }

  /** Engine §4, with its one exception: what lies verified in ota/previous may be gone back to. */
  async function judge(offer: Offer): Promise<{ judgement: Judgement; source: Source | null }> {
    const { staged, previous, failed } = store.current()
    const previousIsOffered =
      isSameRelease(previous, offer) && isSameRelease(await inspectSlot(ports, 'previous'), offer)
    let judgement: Judgement
    try {
      judgement = await judgeOffer(offer, judgementContext())
    } catch (error) {
      // The server halted what came after it. Nothing of this answer is trusted but the wish to go back.
      const isTooLow = error instanceof UpdateError && error.code === 'sequence-too-low'
      if (!isTooLow || !previous || !previousIsOffered || previous.sequence < store.current().floor) throw error
      return {
        judgement: { sequence: previous.sequence, floor: 0, tree: null },
        source: { from: 'previous', release: previous },
      }
    }
    const release = { ...identityOf(offer), sequence: judgement.sequence }
    const failure = failed.find((entry) => isRemembered([entry], release))
    if (failure) throw new UpdateError(failure.code, `${offer.version} failed on this device and is not tried again`)
    if (previous && previousIsOffered) {
      // Without keys nothing was judged anew: it stays what it was judged to be. Below the floor it has to be fetched.
      const known = { ...release, sequence: Math.max(release.sequence, previous.sequence) }
      if (known.sequence >= store.current().floor) return { judgement, source: { from: 'previous', release: known } }
    }
    if (isSameRelease(staged?.release, offer)) return { judgement, source: staged }
    if (offer.encryption) getDecrypter().judge(offer.encryption, await decryptionKeys())
    return { judgement, source: null }
  }

  /** @throws UpdateError 'encryption-unknown' */
  function getDecrypter(): Decrypter {
    if (decrypter) return decrypter
    throw new UpdateError('encryption-unknown', 'this engine takes nothing that is encrypted')
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
    await stage({ from: 'embedded', release: null }, judgement, [])
    advance('at-hand')
    return { kind: 'staged', releaseId: null, version: ports.host.nativeVersion, mandatory: order.mandatory }
  }

  async function takeRelease({ offer, judgement, source }: Offered & { kind: 'release' }): Promise<UpdateOutcome> {
    const { releaseId, version, mandatory } = offer
    if (source) {
      await stage(source, judgement, [])
      advance('at-hand', releaseId)
    } else {
      advance('download', releaseId)
      await noteBeginning(offer)
      const patched = await takePatch(offer, judgement)
      if (!patched.isStaged) await takeBundle(offer, judgement, patched.receivedBytes)
      advance('verified', releaseId)
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

  async function takeBundle(offer: Offer, judgement: Judgement, earlierBytes: number): Promise<void> {
    await makeRoom(offer)
    const { releaseId } = offer
    const { sizeBytes } = bundleOf(offer)
    // What else belongs to the release is known only from the list of its files.
    const isAll = offer.kind !== 'files'
    const onProgress = (receivedBytes: number) => {
      if (isAll) emit({ type: 'progress', receivedBytes, sizeBytes, releaseId })
    }
    const receivedBytes = await fetchAndVerify(bundleOf(offer), BUNDLE, { releaseId, onProgress })
    await installAndStage(offer, judgement, earlierBytes + receivedBytes)
  }

  /** What did not work once on this device is not tried again. */
  function untriedPatch({ kind, patch }: Offer): Offer['patch'] {
    if (!patcher || kind !== 'archive' || patch === null || !('tree' in patch)) return patch
    const { failedPatches } = store.current()
    const isFailed = failedPatches.some(({ baseTree, tree }) => baseTree === patch.baseTree && tree === patch.tree)
    return isFailed ? null : patch
  }

  /** Engine §5: whatever is wrong with a patch, the whole bundle follows, and the release is not blamed. */
  async function takePatch(offer: Offer, judgement: Judgement): Promise<{ isStaged: boolean; receivedBytes: number }> {
    const patch = untriedPatch(offer)
    if (!patcher || !patch) return { isStaged: false, receivedBytes: 0 }
    const { releaseId, sizeBytes: bundleBytes } = offer
    let receivedBytes = 0
    try {
      if (!('tree' in patch)) throw new UpdateError('answer-invalid', patch.message, { cause: patch })
      const base = await patcher.findBase(patch, { tree: judgement.tree, bundleBytes }, { ports, settings })
      // Of a bundle that is nearly there less is missing.
      if ((await missingBytes(bundleOf(offer), BUNDLE, ports)) <= patch.sizeBytes)
        return { isStaged: false, receivedBytes }
      await files.makeDirectory(PENDING)
      await expectRoom(files, patch.sizeBytes, 'the patch')
      const onProgress = (received: number) => {
        receivedBytes = received
        emit({ type: 'progress', receivedBytes: received, sizeBytes: patch.sizeBytes, releaseId })
      }
      const wanted = { name: 'the patch', url: patch.url, sha256: patch.sha256, sizeBytes: patch.sizeBytes }
      receivedBytes = await fetchAndVerify(wanted, PATCH, { releaseId, onProgress, isOptional: true })
      const release = { ...identityOf(offer), sequence: judgement.sequence }
      const download = await openPatch(offer, patch)
      await patcher.install(patch, base, { ports, settings, download, release, makeWay })
      const arrival = patch.baseTree === EMPTY_TREE ? 'packed' : 'patch'
      await stageInstalled(offer, judgement, { release, receivedBytes, arrival })
      return { isStaged: true, receivedBytes }
    } catch (error) {
      await giveUpPatch(error, patcher, { offer, patch })
      return { isStaged: false, receivedBytes }
    }
  }

  /** Encryption §5. */
  async function openPatch({ encryption }: Offer, { sizeBytes, tree, baseTree }: PatchOffer) {
    const download = { path: PENDING_PATCH, sizeBytes }
    if (!encryption) return download
    const expected = { purpose: 'patch' as const, tree, baseTree }
    const keys = await decryptionKeys()
    return getDecrypter().open(download, { to: PENDING_OPENED_PATCH, expected, keys, ports })
  }

  async function giveUpPatch(
    cause: unknown,
    { judge: judgeFault }: Patcher,
    { offer, patch }: { offer: Offer; patch: NonNullable<Offer['patch']> },
  ): Promise<void> {
    const { releaseId, version } = offer
    const { reason, error, isFinal, isOfDisk } = judgeFault(cause)
    advance('patch-failed', releaseId)
    emit({ type: 'patch-failed', reason, error, releaseId })
    // What could be gone on with stays, should the bundle not come either.
    await files.remove(PENDING_TREE).catch(() => undefined)
    await files.remove(PENDING_OPENED_PATCH).catch(() => undefined)
    if (isFinal || isOfDisk) await discardDownload(PATCH, ports).catch(() => undefined)
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

  async function makeRoom(offer: Offer): Promise<void> {
    const most = getInstaller(installers, offer.kind).maxBytes(settings.limits)
    const { sizeBytes } = bundleOf(offer)
    const largest = Math.max(sizeBytes, offer.sizeBytes)
    if (largest > most) {
      throw new UpdateError('download-too-large', `${largest} bytes are more than the limit ${most}`)
    }
    await files.makeDirectory(PENDING)
    await expectRoom(files, offer.encryption ? sizeBytes + offer.sizeBytes : sizeBytes, 'the bundle')
  }

  /** Encryption §5: what is at hand when the digest of what came was verified. */
  async function openBundle({ encryption, sha256, sizeBytes }: Offer, { tree }: Judgement) {
    if (!encryption) return { path: PENDING_ZIP, sizeBytes }
    const download = { path: PENDING_ZIP, sizeBytes: encryption.sizeBytes }
    const expected = { purpose: 'archive' as const, sha256, sizeBytes, tree }
    const keys = await decryptionKeys()
    return getDecrypter().open(download, { to: PENDING_OPENED, expected, keys, ports })
  }

  /** How many bytes that took. */
  async function fetchAndVerify(
    wanted: Wanted,
    place: Place,
    context: { releaseId: string } & Pick<DownloadContext, 'onProgress' | 'isOptional'>,
  ): Promise<number> {
    const { releaseId, ...how } = context
    const { isResumed, receivedBytes } = await downloadBytes(wanted, place, { ports, settings, ...how })
    advance('downloaded', releaseId)
    try {
      await verifyDownload(wanted, place, ports)
      return receivedBytes
    } catch (error) {
      await discardDownload(place, ports)
      if (!isResumed) throw error
      advance('resumed-wrongly', releaseId)
      return receivedBytes + (await fetchAndVerify(wanted, place, context))
    }
  }

  async function installAndStage(offer: Offer, judgement: Judgement, receivedBytes: number): Promise<void> {
    const { releaseId, kind, fileUrl } = offer
    const release = { ...identityOf(offer), sequence: judgement.sequence }
    const download = await openBundle(offer, judgement)
    const installed = await getInstaller(installers, kind).install({
      ports,
      settings,
      release,
      fileUrl,
      download,
      makeWay,
      onListed: () => advance('listed', releaseId),
      onFetched: () => advance('downloaded', releaseId),
      onProgress: (received, sizeBytes) => emit({ type: 'progress', receivedBytes: received, sizeBytes, releaseId }),
    })
    const { launch, receivedBytes: more } = installed
    const staged = { ...release, ...(launch !== undefined && { launch }) }
    await stageInstalled(offer, judgement, {
      release: staged,
      receivedBytes: receivedBytes + more,
      arrival: 'whole',
    })
  }

  async function stageInstalled(
    { releaseId, version, sizeBytes }: Offer,
    judgement: Judgement,
    { release, ...how }: { release: InstalledRelease; receivedBytes: number; arrival: DownloadArrival },
  ): Promise<void> {
    await stage({ from: 'pending', release }, judgement, [{ kind: 'downloaded', releaseId, version, ...how }])
    emit({ type: 'downloaded', ...how, sizeBytes, releaseId })
  }

  /** The directory of what is staged is about to be emptied. */
  async function makeWay(): Promise<void> {
    if (store.current().staged) await store.commit((stored) => ({ ...stored, staged: null }))
  }

  /** Engine §4: only now, with the whole bundle verified, does the floor rise, and with it, for what is proven, the mark. */
  function stage(staged: Source, { sequence, floor }: Judgement, reports: NewReport[]): Promise<void> {
    // A new release has yet to confirm itself: were it to fail, what the device could take before must still be open.
    const proven = staged.from === 'pending' ? 0 : sequence
    const rise = (stored: StoredState) => ({
      ...stored,
      staged,
      fetching: null,
      highWater: Math.max(stored.highWater, proven),
      floor: Math.max(stored.floor, floor),
    })
    return store.commit(rise, reports)
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
    advance(!error.isRetryable && state !== 'offered' ? 'refused' : 'failed', releaseId)
    emit({ type: 'failed', code, error, releaseId })
    await remember(error, offer)
    return { kind: 'failed', code, error, releaseId }
  }

  async function remember(error: UpdateError, offer: Offer | null): Promise<void> {
    const { code } = error
    const { failed, refused } = store.current()
    const identity = offer && { ...identityOf(offer), sequence: 0 }
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

  return { check, download, state: () => state }
}

/** The network's or the server's doing: such a failure says nothing of the release. */
const DOWNLOAD_CODES: ReadonlySet<SdkCode> = new Set<SdkCode>([
  'download-failed',
  'download-timeout',
  'download-too-large',
  'download-truncated',
])

/** What has arrived can be gone on with. */
const KEPT: ReadonlySet<SdkCode> = new Set<SdkCode>(['download-failed', 'download-truncated', 'download-timeout'])
/** One file that is not what it should be says nothing of the others: each was verified by itself. */
const KEPT_FILES: ReadonlySet<SdkCode> = new Set<SdkCode>([...KEPT, 'hash-mismatch', 'download-too-large'])

function bundleOf({ bundleUrl: url, encryption, sha256, sizeBytes }: Offer): Wanted {
  const stored = encryption ? { sha256: encryption.sha256, sizeBytes: encryption.sizeBytes } : { sha256, sizeBytes }
  return { name: 'the bundle', url, ...stored }
}

function pairOf({ baseTree, tree }: PatchOffer) {
  return { baseTree, tree }
}

function identityOf({ releaseId, version, sha256 }: Offer) {
  return { releaseId, version, sha256 }
}
