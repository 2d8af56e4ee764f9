import { problem } from '@hotpatch/protocol'
import { zipOfOne } from '../../shipping/package-diffs/zip-writer.ts'

/** What every zip with a file in it begins with. */
const ZIP = Buffer.from('PK\x03\x04', 'latin1')
const BUNDLE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.(?:bundle|jsbundle|js)$/
/** As the tools call the folder that they pack. */
const FOLDER = 'CodePush'

/**
 * Code Push §8: the tools send a zip of a folder, or a bundle as it is, which clients find in a zip by the name that the
 * app has for it.
 * @throws problem invalid-request
 */
export async function packageAsZip(
  file: AsyncIterable<Uint8Array>,
  filename: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const chunks = file[Symbol.asyncIterator]()
  let first = Buffer.alloc(0)
  while (first.length < ZIP.length) {
    const { done, value } = await chunks.next()
    if (done) break
    first = Buffer.concat([first, value])
  }
  const whole = startingWith(first, chunks)
  if (first.subarray(0, ZIP.length).equals(ZIP)) return whole
  if (first.length > 0 && filename !== undefined && BUNDLE_NAME.test(filename)) {
    return zipOfOne(`${FOLDER}/${filename}`, whole)
  }
  const found = first.length === 0 ? 'nothing' : `"${filename ?? ''}", which is no zip`
  const detail = `Expected a zip, or a bundle by the name that the app has for it, such as index.android.bundle or main.jsbundle; found ${found}.`
  throw problem('invalid-request', detail)
}

async function* startingWith(first: Buffer, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}
