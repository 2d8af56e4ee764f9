import { EMPTY_TREE } from '@hotpatch/protocol'
import { BUNDLE, discardDownload, missingBytes, PATCH } from '../download/download.ts'
import type { Judgement } from '../download/judge-offer.ts'
import { expectRoom } from '../ground/room.ts'
import { UpdateError } from '../ground/update-error.ts'
import type { Patcher } from '../patch/patcher.ts'
import type { Offer, PatchOffer } from '../server/update-contract.ts'
import { PENDING, PENDING_OPENED_PATCH, PENDING_PATCH, PENDING_TREE } from '../state/storage-layout.ts'
import { fetchVerified } from './fetch-verified.ts'
import type { TakingContext } from './taking-context.ts'
import { getDecrypter } from './judge-on-device.ts'
import { bundleOf, identityOf } from './offer-parts.ts'
import { makeWay, stageInstalled } from './staging.ts'

/** Engine §5: whatever is wrong with a patch, the whole bundle follows, and the release is not blamed. */
export async function takePatch(
  offer: Offer,
  judgement: Judgement,
  context: TakingContext,
): Promise<{ isStaged: boolean; receivedBytes: number }> {
  const { ports, settings, patcher, failures, emit } = context
  const patch = failures.untriedPatch(offer)
  if (!patcher || !patch) return { isStaged: false, receivedBytes: 0 }
  const { releaseId, sizeBytes: bundleBytes } = offer
  let receivedBytes = 0
  try {
    if (!('tree' in patch)) throw new UpdateError('answer-invalid', patch.message, { cause: patch })
    const base = await patcher.findBase(patch, { tree: judgement.tree, bundleBytes }, { ports, settings })
    // Of a bundle that is nearly there less is missing.
    if ((await missingBytes(bundleOf(offer), BUNDLE, ports)) <= patch.sizeBytes)
      return { isStaged: false, receivedBytes }
    await ports.files.makeDirectory(PENDING)
    await expectRoom(ports.files, patch.sizeBytes, 'the patch')
    const onProgress = (received: number) => {
      receivedBytes = received
      emit({ type: 'progress', receivedBytes: received, sizeBytes: patch.sizeBytes, releaseId })
    }
    const wanted = { name: 'the patch', url: patch.url, sha256: patch.sha256, sizeBytes: patch.sizeBytes }
    receivedBytes = await fetchVerified(wanted, PATCH, { releaseId, onProgress, isOptional: true }, context)
    const release = { ...identityOf(offer), sequence: judgement.sequence }
    const download = await openPatch(offer, patch, context)
    await patcher.install(patch, base, { ports, settings, download, release, makeWay: () => makeWay(context) })
    const arrival = patch.baseTree === EMPTY_TREE ? 'packed' : 'patch'
    await stageInstalled(offer, judgement, { release, receivedBytes, arrival }, context)
    return { isStaged: true, receivedBytes }
  } catch (error) {
    await giveUpPatch(error, patcher, { offer, patch }, context)
    return { isStaged: false, receivedBytes }
  }
}

/** Encryption §5. */
async function openPatch(
  { encryption }: Offer,
  { sizeBytes, tree, baseTree }: PatchOffer,
  context: TakingContext,
): Promise<{ path: string; sizeBytes: number }> {
  const { ports, decryptionKeys } = context
  const download = { path: PENDING_PATCH, sizeBytes }
  if (!encryption) return download
  const expected = { purpose: 'patch' as const, tree, baseTree }
  const keys = await decryptionKeys()
  return getDecrypter(context).open(download, { to: PENDING_OPENED_PATCH, expected, keys, ports })
}

async function giveUpPatch(
  cause: unknown,
  { judge }: Patcher,
  { offer, patch }: { offer: Offer; patch: NonNullable<Offer['patch']> },
  { ports, way, failures, emit }: TakingContext,
): Promise<void> {
  const { files } = ports
  const { releaseId } = offer
  const fault = judge(cause)
  const { reason, error, isFinal, isOfDisk } = fault
  way.advance('patch-failed', releaseId)
  emit({ type: 'patch-failed', reason, error, releaseId })
  // What could be gone on with stays, should the bundle not come either.
  await files.remove(PENDING_TREE).catch(() => undefined)
  await files.remove(PENDING_OPENED_PATCH).catch(() => undefined)
  if (isFinal || isOfDisk) await discardDownload(PATCH, ports).catch(() => undefined)
  await failures.rememberPatch(fault, offer, patch)
}
