import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'

/** What an app may be asked to take in for the core. */
export const CORE_LIMIT_BYTES = 12 * 1024

/** The package's entries, from its source folder. */
export type Entry = 'index.ts' | 'dom/index.ts' | 'react/index.ts'

/** What an app takes in that imports all of an entry, minified and compressed by gzip; React is the app's own. */
export async function measureSize(entry: Entry): Promise<{ code: string; compressedBytes: number }> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`../${entry}`, import.meta.url)),
    platform: 'browser',
    external: ['react', 'react-dom'],
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { code, compressedBytes: gzipSync(code, { level: 9 }).length }
}
