import {
  discardDownload,
  download,
  verifyDownload,
  type DownloadContext,
  type Place,
  type Wanted,
} from '../download/download.ts'
import type { TakingContext } from './taking-context.ts'

export type FetchOptions = { releaseId: string } & Pick<DownloadContext, 'onProgress' | 'isOptional'>

/** How many bytes that took. What was gone on with wrongly comes once more, from its start. */
export async function fetchVerified(
  wanted: Wanted,
  place: Place,
  options: FetchOptions,
  context: Pick<TakingContext, 'ports' | 'settings' | 'way'>,
): Promise<number> {
  const { ports, settings, way } = context
  const { releaseId, ...how } = options
  const { isResumed, receivedBytes } = await download(wanted, place, { ports, settings, ...how })
  way.advance('downloaded', releaseId)
  try {
    await verifyDownload(wanted, place, ports)
    return receivedBytes
  } catch (error) {
    await discardDownload(place, ports)
    if (!isResumed) throw error
    way.advance('resumed-wrongly', releaseId)
    return receivedBytes + (await fetchVerified(wanted, place, options, context))
  }
}
