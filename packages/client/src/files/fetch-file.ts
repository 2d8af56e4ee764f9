import type { ManifestFile } from '@hotpatch/protocol'
import {
  discardDownload,
  download,
  verifyDownload,
  type DownloadContext,
  type Place,
  type Wanted,
} from '../download/download.ts'
import { UpdateError } from '../ground/update-error.ts'
import { PENDING_PARTS } from '../state/storage-layout.ts'

/**
 * One file of a list, whole, verified and durable at `target`, whose folder is there. Large ones are gone on with by a
 * later process, each by itself.
 * @returns how many bytes came for it, also before this process
 */
export async function fetchFile(
  { path, sha256, sizeBytes }: ManifestFile,
  { target, fileUrl }: { target: string; fileUrl: string },
  context: DownloadContext,
): Promise<number> {
  const { files } = context.ports
  const url = fileUrl.replaceAll('{sha256}', sha256)
  const wanted = { name: path, url, sha256, sizeBytes }
  if (sizeBytes > context.settings.limits.resumableBytes) {
    await files.makeDirectory(PENDING_PARTS)
    const part = `${PENDING_PARTS}/${sha256}`
    const received = await fetchVerified(wanted, { bytes: part, note: `${part}.json` }, context)
    await files.sync(part)
    await files.rename(part, target)
    await files.remove(`${part}.json`)
    return received
  }
  // Nothing is asked for where there is nothing.
  if (sizeBytes === 0) await files.append(target, 0, new Uint8Array())
  const received = await fetchVerified(wanted, { bytes: target, note: null }, context)
  await files.sync(target)
  return received
}

async function fetchVerified(wanted: Wanted, place: Place, context: DownloadContext): Promise<number> {
  const { isResumed, receivedBytes } = await download(wanted, place, context)
  try {
    await verifyDownload(wanted, place, context.ports)
    return receivedBytes
  } catch (error) {
    if (!(error instanceof UpdateError)) throw error
    await discardDownload(place, context.ports)
    if (!isResumed) throw error
    return receivedBytes + (await fetchVerified(wanted, place, context))
  }
}
