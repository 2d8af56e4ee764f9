import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** The package's entries that run in an app's pages or engine, from its source folder. */
export type Entry = 'index.ts' | 'react-native/index.ts' | 'electron/preload.ts' | 'ui/index.ts'

/** What an app takes in that imports all of an entry, minified and compressed by gzip. */
export async function measureSize(entry: Entry): Promise<{ code: string; compressedBytes: number }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../${entry}`, import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { code, compressedBytes: gzipSync(code, { level: 9 }).length }
}
