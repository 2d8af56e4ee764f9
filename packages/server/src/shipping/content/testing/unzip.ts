import { buffer } from 'node:stream/consumers'
import { fromBufferPromise } from 'yauzl'

/** The files of a zip, by their paths. */
export async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes)
  const files = new Map<string, Buffer>()
  for await (const entry of zip.eachEntry()) {
    const isFolder = entry.fileName.endsWith('/')
    if (!isFolder) files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
  }
  return files
}
