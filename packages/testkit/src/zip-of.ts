import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'

/** The same files give the same bytes. */
export async function zipOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [path, content] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(content), path, { mtime: new Date(2027, 0, 1), mode: 0o100644, forceDosTimestamp: true })
  }
  zip.end()
  return buffer(zip.outputStream)
}

/** What a bundler writes, at its smallest. */
export function bundleOf(text: string): Promise<Buffer> {
  return zipOf({ 'index.android.bundle': text, 'assets/logo.txt': 'logo' })
}
