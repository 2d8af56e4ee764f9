import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { instrument } from './instrument.ts'
import { COUNTED_FILE, type Counted } from './counted-program.ts'

/**
 * A target and all that it reaches as one instrumented file. Libraries too: what they branch on guides as well.
 * @returns the folder of the program
 */
export async function bundleTarget(path: string, directory: string): Promise<Counted> {
  const bundle = await rolldown({
    input: 'target',
    platform: 'node',
    treeshake: true,
    // Builds for bundlers: what finds its own files by `require` cannot be put into one file.
    resolve: { mainFields: ['module', 'main'] },
    // What makes seeds alone.
    external: ['@hotpatch/testkit', '@node-rs/argon2'],
    logLevel: 'silent',
    plugins: [
      {
        name: 'target',
        resolveId: (id) => (id === 'target' ? id : null),
        load: (id) => (id === 'target' ? `export { target } from ${JSON.stringify(path)}` : null),
      },
    ],
  })
  try {
    const { output } = await bundle.generate({
      format: 'esm',
      codeSplitting: false,
      comments: { legal: false, annotation: false, jsdoc: false },
    })
    const { text, functionOf, words, numbers } = instrument(output[0].code)
    await mkdir(directory, { recursive: true })
    const file = join(directory, COUNTED_FILE)
    await writeFile(file, text)
    return { file, url: pathToFileURL(file).href, functionOf, words, numbers }
  } finally {
    await bundle.close()
  }
}
