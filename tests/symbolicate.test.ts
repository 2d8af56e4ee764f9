import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory, runCliProcess, startServerProcess, type ServerProcess } from '@hotpatch/testkit'
import type { PublishedArchive } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyReactNativeApp, setRelease } from './react-native-app.ts'

/** A function of the app, whose place in the bundle is found without any map. */
const EXPLODE = `
export function explodeNow(order: string): never {
  throw new Error('marker of a bad order: ' + order)
}
`

/** The real tool, bundler and compiler: traces of both kinds of bundles lead to the app's own lines. */
describe.skipIf(process.env.HOTPATCH_EXAMPLE_READY !== '1')('traces of a React Native app', () => {
  let server: ServerProcess
  let directory: string
  let app: string
  let throwLine: number

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    app = await copyReactNativeApp(directory)
    await appendFile(join(app, 'src', 'HomeScreen.tsx'), EXPLODE)
    const source = await readFile(join(app, 'src', 'HomeScreen.tsx'), 'utf8')
    throwLine = source.split('\n').findIndex((line) => line.includes('marker of')) + 1
    server = await startServerProcess({ directory: join(directory, 'data'), env: { HOTPATCH_LOG_LEVEL: 'warn' } })
    await hotpatch(['apps', 'create', 'maps', '--yes'])
  })
  afterAll(() => server.stop())

  let said = ''

  async function hotpatch(args: string[], input = '') {
    const env = { HOME: directory, HOTPATCH_URL: server.url, HOTPATCH_TOKEN: server.ownerToken, TMPDIR: directory }
    const { code, stdout, stderr } = await runCliProcess(args, { cwd: app, env, input })
    if (code !== 0) throw new Error(`hotpatch ${args.join(' ')} ended with ${code}:\n${stderr}`)
    said = stderr
    return stdout
  }

  async function release(version: string, ...more: string[]): Promise<string> {
    const named = ['release', '--app', 'maps', '--platform', 'android', '--version', version, '--no-sign', ...more]
    const { content } = JSON.parse(await hotpatch([...named, '--yes', '--json'])) as PublishedArchive
    const { sha256 } = content
    return join(app, 'build', 'hotpatch-source-maps', sha256)
  }

  const symbolicate = (version: string, trace: string) =>
    hotpatch(['symbolicate', '--app', 'maps', '--version', version, '--platform', 'android'], trace)

  test('of JavaScript, minified', async () => {
    await release('1.0.0')
    const bundle = await readFile(join(app, 'build', 'hotpatch-android', 'index.android.bundle'), 'utf8')
    const before = bundle.slice(0, bundle.indexOf('marker of a bad order')).split('\n')
    const at = `${before.length}:${(before.at(-1) ?? '').length}`
    const text = await symbolicate('1.0.0', `Error: bad\n    at t (/data/index.android.bundle:${at})`)
    expect(text).toMatch(new RegExp(`^Error: bad\\n    at explodeNow \\(src/HomeScreen.tsx:${throwLine}:\\d+\\)\\n$`))
  })

  /** Every function that begins in the bytecode, by the map that was kept; and where the app's own one is. */
  async function expectTraced(version: string, kept: string): Promise<void> {
    expect((await readdir(kept)).toSorted()).toEqual(['index.android.bundle.map', 'release.json'])
    const published = await readFile(join(app, 'build', 'hotpatch-android', 'index.android.bundle'))
    expect(published.readBigUInt64LE(0)).toBe(0x1f1903c103bc1fc6n)
    // The compiler tells where each function begins; which it is, only the map can say.
    const map = JSON.parse(await readFile(join(kept, 'index.android.bundle.map'), 'utf8')) as {
      x_hermes_function_offsets: Record<string, number[]>
    }
    const starts = map.x_hermes_function_offsets['0'] ?? []
    const trace = starts.map((offset) => `    at t (address at index.android.bundle:1:${offset})`).join('\n')
    const text = await symbolicate(version, trace)
    const lines = text.split('\n').filter((line) => line.includes('explodeNow'))
    expect(lines).toEqual([expect.stringMatching(`at explodeNow \\(src/HomeScreen.tsx:${throwLine - 1}:8\\)`)])
  }

  test('of Hermes bytecode, by address', async () => {
    await expectTraced('1.1.0', await release('1.1.0', '--hermes'))
  })

  test('of bytecode that was compiled against that of the release before, for a smaller patch', async () => {
    await setRelease(app, { version: '1.2.0', headline: 'A headline that is longer than the one before' })
    const kept = await release('1.2.0', '--hermes-base')
    const told = /Compiled against 1\.1\.0, a patch from it has ([\d.]+) kB instead of ([\d.]+) kB/.exec(said)
    expect(Number(told?.[1])).toBeLessThan(Number(told?.[2]) / 2)
    expect(said).toContain('That is published.')
    await expectTraced('1.2.0', kept)
  })
})
