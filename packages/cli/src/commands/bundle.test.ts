import { createHash, createPublicKey, verify } from 'node:crypto'
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTool, type Tool } from '../testing/run-tool.ts'

interface Made {
  path: string
  sha256: string
  version: string
  minNativeVersion: string
  signature: string | null
  signedBy: string | null
  fileCount: number
}

let tool: Tool

beforeEach(async () => {
  tool = await createTool()
  await tool.write({
    'package.json': '{"version":"1.4.0"}',
    MIN_NATIVE_VERSION: '1.2.0\n',
    'dist/index.html': '<script src="/assets/main.js"></script>',
    'dist/assets/main.js': 'start()',
    'dist/assets/main.js.map': '{}',
  })
})

const pack = (...more: string[]) => tool.json<Made>('bundle dist --out out', ...more)
const read = (name: string) => readFile(join(tool.cwd, 'out', name), 'utf8')

test('writes what a server image carries, and its checksums are right', async () => {
  const made = await pack()
  expect(made).toMatchObject({ version: '1.4.0', minNativeVersion: '1.2.0', signature: null, fileCount: 2 })
  expect((await readdir(join(tool.cwd, 'out'))).sort()).toEqual([
    'MIN_NATIVE_VERSION',
    'VERSION',
    'bundle.sha256',
    'bundle.zip',
  ])
  expect([await read('VERSION'), await read('MIN_NATIVE_VERSION')]).toEqual(['1.4.0\n', '1.2.0\n'])
  const sums = await Promise.all(
    ['bundle.zip', 'VERSION', 'MIN_NATIVE_VERSION'].map(async (name) => {
      const bytes = await readFile(join(tool.cwd, 'out', name))
      return `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`
    }),
  )
  expect(await read('bundle.sha256')).toBe(sums.join(''))
  expect((await read('bundle.sha256')).startsWith(made.sha256)).toBe(true)
})

test('the same input gives the same bytes', async () => {
  const first = await pack()
  const old = new Date('2001-01-01T00:00:00Z')
  await utimes(join(tool.cwd, 'dist/index.html'), old, old)
  await rm(join(tool.cwd, 'out'), { recursive: true })
  expect((await pack()).sha256).toBe(first.sha256)
})

test('is signed where a key is there, and an old signature does not stay beside a new zip', async () => {
  await tool.run('keys generate --yes')
  const { raw } = await tool.json<{ raw: string }>('keys public')
  const { sha256, signature, signedBy } = await pack()
  expect(await read('bundle.sig')).toBe(`${signature}\n`)
  expect(signedBy).toMatch(/\S/)
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(raw, 'base64').toString('base64url') },
    format: 'jwk',
  })
  expect(verify(null, Buffer.from(sha256, 'hex'), key, Buffer.from(signature ?? '', 'base64'))).toBe(true)
  expect((await pack('--no-sign')).signature).toBeNull()
  await expect(read('bundle.sig')).rejects.toThrow(/ENOENT/)
})

test('what is given counts more than what the project says', async () => {
  expect(await pack('--version', '2.0.0', '--min-native', '2.0')).toMatchObject({
    version: '2.0.0',
    minNativeVersion: '2.0',
  })
  expect(await read('VERSION')).toBe('2.0.0\n')
})

describe('refuses, and leaves what was there', () => {
  test.each<[string, () => Promise<unknown>, string, number, RegExp]>([
    [
      'a folder without its page',
      () => rm(join(tool.cwd, 'dist/index.html')),
      '',
      1,
      /Nothing was packed.*[^]*index\.html/,
    ],
    ['a folder that is not there', () => rm(join(tool.cwd, 'dist'), { recursive: true }), '', 1, /dist/],
    ['a secret', () => tool.write({ 'dist/.env': 'KEY=1' }), '', 1, /\.env/],
    ['no version', () => rm(join(tool.cwd, 'package.json')), '', 2, /Say which version it is/],
    ['no version of the app', () => rm(join(tool.cwd, 'MIN_NATIVE_VERSION')), '', 2, /--min-native/],
    ['a version of the app that is none', () => tool.write({ MIN_NATIVE_VERSION: 'soon' }), '', 1, /"soon"/],
    ['a key and none', async () => undefined, '--key x.pem --no-sign', 2, /not both/],
    ['a key that is not there', async () => undefined, '--key x.pem', 1, /no signing key at/],
  ])('%s', async (_case, spoil, more, code, message) => {
    await pack()
    const before = await read('bundle.sha256')
    await spoil()
    const { exitCode, stderr } = await tool.run(`bundle dist --out out ${more}`.trim())
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(message)])
    expect(await read('bundle.sha256')).toBe(before)
  })

  test('a place in the folder itself, and one that is a file', async () => {
    expect((await tool.run('bundle dist --out dist/out')).stderr).toMatch(/would be part of itself/)
    await mkdir(join(tool.cwd, 'elsewhere'))
    await writeFile(join(tool.cwd, 'out'), '')
    expect((await tool.run('bundle dist --out out')).stderr).toMatch(/Nothing can be written to .*EEXIST/)
  })
})
