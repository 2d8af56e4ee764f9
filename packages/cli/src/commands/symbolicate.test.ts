import { mkdir, writeFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { beforeEach, describe, expect, test } from 'vitest'
import { keepSourceMaps } from '../symbolicate/keep-source-maps.ts'
import { createTool, type Tool } from '../testing/run-tool.ts'

/** Its enum becomes other code, so that no line stays where it was. */
const SOURCE = `
enum Size {
  Small,
  Large,
}

interface Order { size: Size }

function pay(order: Order): never {
  throw new Error('not paid: ' + order.size)
}

function buy(): void {
  pay({ size: Size.Large })
}

buy()
`
const SHA = 'ab'.repeat(32)
let tool: Tool
let code: string
let map: Record<string, unknown>
let stack: string

beforeEach(async () => {
  tool = await createTool()
  const made = stripTypeScriptTypes(SOURCE, { mode: 'transform', sourceMap: true, sourceUrl: 'src/shop.ts' })
  const [text = '', inlined = ''] = made.split('//# sourceMappingURL=data:application/json;base64,')
  code = text.slice(0, text.indexOf('//# sourceURL') === -1 ? undefined : text.indexOf('//# sourceURL'))
  map = JSON.parse(Buffer.from(inlined, 'base64').toString('utf8')) as Record<string, unknown>
  map.sources = [join(tool.cwd, 'src/shop.ts')]
  stack = stackOf(code)
  await keep({ version: '1.2.0', sha256: SHA })
})

/** Of the code as it really runs. */
function stackOf(javaScript: string): string {
  try {
    new Script(javaScript, { filename: '/data/files/index.android.bundle' }).runInThisContext({ displayErrors: false })
  } catch (error) {
    return (error as Error).stack ?? ''
  }
  throw new Error('expected to be thrown')
}

async function keep(release: { version: string; sha256: string; platform?: string }, json: unknown = map) {
  const path = join(tool.home, 'index.android.bundle.map')
  await writeFile(path, JSON.stringify(json))
  const files = [{ name: 'index.android.bundle.map', path, sizeBytes: 1 }]
  await keepSourceMaps(files, join(tool.cwd, 'build'), { app: 'shop', platform: 'android', root: tool.cwd, ...release })
}

/** From 1, as engines of JavaScript count. */
function positionOf(text: string): string {
  const before = code.slice(0, code.indexOf(text)).split('\n')
  return `${before.length}:${(before.at(-1) ?? '').length + 1}`
}

const named = 'symbolicate --version 1.2.0 --platform android'

describe('symbolicate', () => {
  test('reads a trace of a bundle that really ran', async () => {
    expect(stack).toContain('at pay (/data/files/index.android.bundle:')
    const { exitCode, stdout, stderr } = await tool.run(named, { input: stack })
    expect([exitCode, stderr]).toEqual([0, expect.stringContaining('With the map of shop 1.2.0 for android')])
    const lines = stdout.split('\n')
    expect(lines[0]).toBe('Error: not paid: 1')
    expect(lines).toContain('    at pay (src/shop.ts:10:9)')
    expect(lines).toContain('    at buy (src/shop.ts:14:3)')
    expect(lines).toContain('    at src/shop.ts:17:1')
    // What is not of the bundle stays as it was.
    expect(stdout).toContain('    at Script.runInThisContext (node:vm:')
  })

  test.each([
    ['JavaScriptCore', (at: string) => `pay@/var/app/index.android.bundle:${at}`, 'pay@src/shop.ts:10:'],
    [
      'an address',
      (at: string) => `at pay (http://localhost:8081/index.bundle?dev=false:${at})`,
      'at pay (src/shop.ts:10:',
    ],
    ['async', (at: string) => `at async pay (index.android.bundle:${at})`, 'at async pay (src/shop.ts:10:'],
    ['a place alone', (at: string) => at, 'src/shop.ts:10:'],
    ['a place in a file', (at: string) => `index.android.bundle:${at}`, 'src/shop.ts:10:'],
    ['two on a line', (at: string) => `Fatal: pay@x.bundle:${at}, buy@x.bundle:${at}`, 'buy@src/shop.ts:10:'],
  ])('understands %s', async (_, frame, expected) => {
    const { exitCode, stdout } = await tool.run(named, { input: frame(positionOf('throw')) })
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(expected)])
  })

  test('reads bytecode addresses, names of functions that minifying took, and both at once from sections', async () => {
    // Column 5 on, from 0: line 3, column 2 of the source, in the function that begins at line 2.
    const inner = { version: 3, names: [], sources: [join(tool.cwd, 'a.ts')], mappings: 'KAEE' }
    const functions = [[{ names: ['<global>', 'handlePress'], mappings: 'AAA;ACC' }]]
    const json = {
      version: 3,
      sections: [{ offset: { line: 0, column: 0 }, map: { ...inner, x_facebook_sources: functions } }],
    }
    await keep({ version: '2.0.0', sha256: 'cd'.repeat(32) }, json)
    const input = [
      'Error: boom',
      '    at t (address at index.android.bundle:1:5)',
      '    at address at index.android.bundle:1:4',
      't@1:5',
      '    at apply (native)',
      '    at com.shop.Main(Main.java:12)',
    ].join('\n')
    const { stdout, stderr } = await tool.run('symbolicate --digest cdcdcdcd', { input })
    expect(stdout.split('\n')).toEqual([
      'Error: boom',
      '    at handlePress (a.ts:3:3)',
      '    at address at index.android.bundle:1:4',
      // React Native counts columns from 0 here.
      expect.stringMatching(/^handlePress@a\.ts:3:3$/),
      '    at apply (native)',
      '    at com.shop.Main(Main.java:12)',
      '',
    ])
    expect(stderr).toContain('Not in the map, and left as they are: 1 of 3 frames.')
  })

  test('takes a file, another map, and prints JSON', async () => {
    await tool.write({ 'trace.txt': stack, 'other.map': JSON.stringify(map) })
    const answer = await tool.json<{ release: unknown; frames: { original: unknown }[] }>(
      'symbolicate trace.txt --map other.map',
    )
    expect(answer.release).toBeNull()
    expect(answer.frames[0]).toMatchObject({ original: { source: 'src/shop.ts', line: 10, column: 9 } })
    const ofRelease = await tool.json<{ release: unknown }>(`symbolicate trace.txt --digest ${SHA}`)
    expect(ofRelease.release).toEqual({ app: 'shop', platform: 'android', version: '1.2.0', sha256: SHA })
  })

  test.each([
    ['symbolicate', 2, 'Say which release the trace comes from'],
    ['symbolicate --version 1.2.0 --map x.map', 2, 'Give --map, or say which release it is'],
    ['symbolicate --digest 12', 2, 'Expected a SHA-256 in hexadecimal'],
    [
      'symbolicate --version 9.9.9',
      1,
      /No source maps of 9\.9\.9 are kept in .*The newest there:\n {2}shop 1\.2\.0 .*--build-dir/s,
    ],
    ['symbolicate --version 1.2.0 --build-dir nowhere', 1, /are kept in .*nowhere.*: nothing is\..*--map FILE/s],
    ['symbolicate --version 1.2.0 --app other', 1, 'No source maps of other 1.2.0'],
    ['symbolicate nothing.txt --version 1.2.0', 1, /cannot be read from .*nothing\.txt: ENOENT/],
    ['symbolicate build --version 1.2.0', 1, /cannot be read from .*build: EISDIR/],
    ['symbolicate --map nothing.map', 1, /The source map .*nothing\.map cannot be read: ENOENT/],
    ['symbolicate --map broken.map', 1, /broken\.map is not a source map: .*JSON/],
    ['symbolicate --map list.map', 1, /list\.map is not a source map/],
  ])('%s', async (line, exitCode, message) => {
    await tool.write({ 'broken.map': '{"version":', 'list.map': '{"version":3}' })
    const found = await tool.run(line, { input: stack })
    expect(found.stderr).toMatch(message)
    expect([found.exitCode, found.stdout]).toEqual([exitCode, ''])
  })

  test('says which, when several builds of a version are kept', async () => {
    await keep({ version: '1.2.0', sha256: 'cd'.repeat(32) })
    const { exitCode, stderr } = await tool.run(named, { input: stack })
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/2 builds fit.*--digest abababababab/s)])
  })

  test('says when nothing in it can be read', async () => {
    const none = await tool.run(named, { input: 'Error: boom\n    at Main.java:12' })
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('found none')])
    const other = await tool.run(named, { input: 'pay@index.android.bundle:9000:1' })
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining('Is the trace of this very release?')])
    // Of the JavaScript only: nobody made it one with that of the bytecode.
    const bytecode = await tool.run(named, { input: 'at pay (address at index.android.bundle:1:0)' })
    expect([bytecode.exitCode, bytecode.stderr]).toEqual([1, expect.stringContaining('compose-source-maps.js')])
  })

  test('names the two maps that nobody has made one', async () => {
    const directory = join(tool.cwd, 'build', 'hotpatch-source-maps', SHA)
    await mkdir(directory, { recursive: true })
    await keep({ version: '1.2.0', sha256: 'ef'.repeat(32) })
    const halves = ['index.android.bundle.packager.map', 'index.android.bundle.compiler.map']
    const path = join(tool.home, 'half.map')
    await writeFile(path, '{}')
    const files = halves.map((name) => ({ name, path, sizeBytes: 2 }))
    const release = { app: 'shop', platform: 'android', version: '3.0.0', sha256: '12'.repeat(32), root: tool.cwd }
    await keepSourceMaps(files, join(tool.cwd, 'build'), release)
    const { stderr } = await tool.run('symbolicate --version 3.0.0', { input: stack })
    expect(stderr).toMatch(/Make one of them with .*compose-source-maps\.js.*-o index\.android\.bundle\.map/)
  })

  test('reads no more than a trace', async () => {
    const { exitCode, stderr } = await tool.run(named, { input: 'at x (1:1)\n'.repeat(100_000) })
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('at most 1000000 characters')])
    // A line that no engine writes costs nothing, whatever is in it.
    const long = await tool.run(named, { input: `at ${'a@'.repeat(200_000)}\n${stack}` })
    expect(long.exitCode).toBe(0)
  })
})
