import type { FilesPort } from '@hotpatch/device-ground'
import { KitError } from '../ground/kit-error.ts'
import { beginPart, discardPart, partPath, readPart, type Wanted } from './artifact-files.ts'
import type { FetchContext } from './fetch-artifact.ts'

const COPY_BYTES = 1024 * 1024

/**
 * Kits §7.6: from a bundle that somebody has brought along.
 * @throws KitError download-failed when the bundle lacks it, stopped
 */
export async function copyArtifact(
  folder: Pick<FilesPort, 'stat' | 'readRange' | 'locate'>,
  wanted: Wanted,
  { disk, stopped, onProgress }: Pick<FetchContext, 'disk' | 'stopped' | 'onProgress'>,
): Promise<void> {
  const from = `artifacts/${wanted.sha256}`
  const found = await folder.stat(from)
  if (found?.kind !== 'file') {
    throw new KitError('download-failed', `the bundle has no ${folder.locate(from)}: was it made for another machine?`)
  }
  if (found.sizeBytes !== wanted.sizeBytes) {
    const message = `${folder.locate(from)} has ${found.sizeBytes} bytes, ${wanted.sizeBytes} were signed`
    throw new KitError('hash-mismatch', message)
  }
  if ((await readPart(disk, wanted)).offset === 0) await beginPart(disk, wanted, undefined)
  let { offset } = await readPart(disk, wanted)
  while (offset < wanted.sizeBytes) {
    if (stopped?.isStopped()) throw new KitError('stopped', 'stopped while it was copied')
    const bytes = await folder.readRange(from, offset, Math.min(COPY_BYTES, wanted.sizeBytes - offset))
    if (bytes.length === 0) {
      await discardPart(disk, wanted.sha256)
      throw new KitError('download-failed', `${folder.locate(from)} became shorter while it was read`)
    }
    await disk.append(partPath(wanted.sha256), offset, bytes)
    offset += bytes.length
    onProgress(offset)
  }
}
