import { BUNDLE } from '../download/download.ts'
import type { Judgement } from '../download/judge-offer.ts'
import { expectRoom } from '../ground/room.ts'
import { UpdateError } from '../ground/update-error.ts'
import type { Offer } from '../server/update-contract.ts'
import { PENDING, PENDING_OPENED, PENDING_ZIP } from '../state/storage-layout.ts'
import { fetchVerified } from './fetch-verified.ts'
import type { TakingContext } from './taking-context.ts'
import { getInstaller } from './installers.ts'
import { getDecrypter } from './judge-on-device.ts'
import { bundleOf, identityOf } from './offer-parts.ts'
import { makeWay, stageInstalled } from './staging.ts'

/** From an offer to a staged release, by its whole bundle. `earlierBytes` came of its patch, for nothing. */
export async function takeBundle(
  offer: Offer,
  judgement: Judgement,
  earlierBytes: number,
  context: TakingContext,
): Promise<void> {
  await makeRoom(offer, context)
  const { releaseId } = offer
  const { sizeBytes } = bundleOf(offer)
  // What else belongs to the release is known only from the list of its files.
  const isAll = offer.kind !== 'files'
  const onProgress = (receivedBytes: number) => {
    if (isAll) context.emit({ type: 'progress', receivedBytes, sizeBytes, releaseId })
  }
  const receivedBytes = await fetchVerified(bundleOf(offer), BUNDLE, { releaseId, onProgress }, context)
  await installAndStage(offer, judgement, earlierBytes + receivedBytes, context)
}

async function makeRoom(offer: Offer, { ports: { files }, settings, installers }: TakingContext): Promise<void> {
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
async function openBundle(
  { encryption, sha256, sizeBytes }: Offer,
  { tree }: Judgement,
  context: TakingContext,
): Promise<{ path: string; sizeBytes: number }> {
  if (!encryption) return { path: PENDING_ZIP, sizeBytes }
  const { ports, decryptionKeys } = context
  const download = { path: PENDING_ZIP, sizeBytes: encryption.sizeBytes }
  const expected = { purpose: 'archive' as const, sha256, sizeBytes, tree }
  const keys = await decryptionKeys()
  return getDecrypter(context).open(download, { to: PENDING_OPENED, expected, keys, ports })
}

async function installAndStage(
  offer: Offer,
  judgement: Judgement,
  receivedBytes: number,
  context: TakingContext,
): Promise<void> {
  const { ports, settings, installers, way, emit } = context
  const { releaseId, kind, fileUrl } = offer
  const release = { ...identityOf(offer), sequence: judgement.sequence }
  const download = await openBundle(offer, judgement, context)
  const installed = await getInstaller(installers, kind).install({
    ports,
    settings,
    release,
    fileUrl,
    download,
    makeWay: () => makeWay(context),
    onListed: () => way.advance('listed', releaseId),
    onFetched: () => way.advance('downloaded', releaseId),
    onProgress: (received, sizeBytes) => emit({ type: 'progress', receivedBytes: received, sizeBytes, releaseId }),
  })
  const { launch, receivedBytes: more } = installed
  const staged = { ...release, ...(launch !== undefined && { launch }) }
  const how = { receivedBytes: receivedBytes + more, arrival: 'whole' as const }
  await stageInstalled(offer, judgement, { release: staged, ...how }, context)
}
