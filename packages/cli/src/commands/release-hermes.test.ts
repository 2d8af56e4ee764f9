import { existsSync } from 'node:fs'
import { chmod, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PublishedArchive } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

/** The compiler of the example's own React Native. */
const EXAMPLE = fileURLToPath(new URL('../../../../examples/react-native', import.meta.url))
const COMPILER = join(EXAMPLE, 'node_modules', 'hermes-compiler')
const PLACE = 'node_modules/hermes-compiler/hermesc/linux64-bin/hermesc'
const BUNDLE = 'build/hotpatch-android/index.android.bundle'

/** Gives the entry file as the bundle. */
const BUNDLER = `
const { copyFileSync } = require('node:fs')
const value = (name) => process.argv[process.argv.indexOf(name) + 1]
copyFileSync(value('--entry-file'), value('--bundle-output'))
`

/** What an app is: many functions, and texts. A word of it moves all texts behind it in the bytecode's table. */
function codeOf(headline: string): string {
  const functions = Array.from(
    { length: 1_500 },
    (_, line) =>
      `exports.f${line} = (x) => { const found = x + ${(line * 7919) % 1000}; return show('text ${line}', found) }`,
  )
  return `const exports = {}, show = print;\nshow(${JSON.stringify(headline)});\n${functions.join('\n')}`
}

const isThere = process.platform === 'linux' && process.arch === 'x64' && existsSync(COMPILER)

describe.skipIf(!isThere)('bytecode of a release', () => {
  async function createApp({ isOld = false } = {}) {
    const publisher = await server.createPublisher({ platforms: ['android'] })
    await publisher.installProgram('npx', BUNDLER)
    await publisher.write({
      'index.js': codeOf('one'),
      'node_modules/react-native/package.json': '{"name":"react-native"}',
    })
    if (isOld) {
      await publisher.write({
        'node_modules/hermes-compiler/package.json': '{"name":"hermes-compiler"}',
        [PLACE]: '#!/usr/bin/env node\nconsole.log("USAGE: hermesc [options]")',
      })
      await chmod(join(publisher.cwd, PLACE), 0o755)
    } else await symlink(COMPILER, join(publisher.cwd, 'node_modules/hermes-compiler'))
    const release = (version: string, ...more: string[]) =>
      publisher.run(`release --platform android --version ${version} --any-native --yes --json`.split(' ').concat(more))
    const isBytecode = async () =>
      (await readFile(join(publisher.cwd, BUNDLE))).readBigUInt64LE(0) === 0x1f1903c103bc1fc6n
    return { ...publisher, release, isBytecode }
  }

  test('is made against that of the one in force, and the better of both is published', async () => {
    const app = await createApp()
    const first = await app.release('1.0.0', '--hermes-base')
    expect([first.exitCode, first.stderr]).toEqual([0, expect.stringContaining('Nothing is in force')])
    expect(await app.isBytecode()).toBe(true)
    await app.write({ 'index.js': codeOf('A word that nothing had before') })
    const second = await app.release('1.1.0', '--hermes-base')
    expect([second.exitCode, second.stderr]).toEqual([0, expect.stringContaining('Compiled against 1.0.0, a patch')])
    const told = /has (.*) instead of (.*), and the full bundle, packed, (.*) instead of (.*) \(/.exec(second.stderr)
    expect(told).not.toBeNull()
    expect(second.stderr).toMatch(/That is published|published compiled by itself/)
    expect(await app.isBytecode()).toBe(true)
    // Of any release, and what was found is said again.
    const again = await app.release('1.1.1', '--hermes-base', '1.0.0')
    expect(again.stderr).toContain(told?.[0] ?? '')
    const { content } = JSON.parse(second.stdout) as PublishedArchive
    // The very same but for its version.
    expect((JSON.parse(again.stdout) as PublishedArchive).content.sha256).toBe(content.sha256)
  })

  test('is not made against what is none, and that is said', async () => {
    const app = await createApp()
    expect((await app.release('1.0.0')).exitCode).toBe(0)
    const { exitCode, stderr } = await app.release('1.1.0', '--hermes-base')
    expect([exitCode, stderr]).toEqual([
      0,
      expect.stringMatching(/1.0.0 is plain JavaScript, and .* compiled by itself/),
    ])
    expect(await app.isBytecode()).toBe(true)
    const none = await app.release('1.2.0', '--hermes-base', '9.9.9')
    expect([none.exitCode, none.stderr]).toEqual([1, expect.stringContaining('has never had the version 9.9.9')])
    const ready = await app.release('1.2.0', '--hermes-base', '--bundle-dir', 'build')
    expect([ready.exitCode, ready.stderr]).toEqual([2, expect.stringContaining('--hermes-base compiles what')])
  })

  test('is not made by a compiler that cannot, nor of what no trusted key has signed', async () => {
    const app = await createApp()
    expect((await app.release('1.0.0', '--hermes')).exitCode).toBe(0)
    await app.json('keys generate --key other.pem --yes')
    await app.json('keys add --key other.pem --name other --yes')
    const other = ['--key', 'other.pem', '--hermes-base']
    const strange = await app.release('1.1.0', ...other)
    expect([strange.exitCode, strange.stderr]).toEqual([1, expect.stringContaining('no key that you trust signed')])
    const old = await createApp({ isOld: true })
    expect((await old.release('1.0.0')).exitCode).toBe(0)
    const late = await old.release('1.1.0', '--hermes-base')
    expect([late.exitCode, late.stderr]).toEqual([1, expect.stringContaining('it is too old')])
  })
})
