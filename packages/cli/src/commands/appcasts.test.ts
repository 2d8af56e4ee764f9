import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Appcast } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const publicText = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
/** As `generate_keys -x` writes it. */
const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(-32).toString('base64')
const elsewhere = ['--download-url', 'https://downloads.test/Editor.dmg', '--no-fetch', '--size', '7', '--sha256']

async function publisher({ key = true } = {}) {
  const tool = await server.createPublisher({ key: false, platforms: ['macos'] })
  await tool.json('apps', 'set', tool.app.slug, '--check-access', 'open', '--yes')
  if (key) await tool.json('keys', 'add', '--sparkle', publicText, '--yes')
  await tool.write({ 'sparkle.key': `${seed}\n` })
  const publish = (version: string, digest: string) =>
    tool.json('binary', 'publish', ...elsewhere, digest.repeat(64), '--version', version, '--yes')
  await publish('1.0.0+1', 'a')
  const read = async () => (await fetch(`${server.url()}/apps/${tool.app.slug}/appcast.xml`)).text()
  return { ...tool, publish, read }
}

/** What Sparkle takes of it. */
function verified(feed: string): string | undefined {
  const [content = '', trailer = ''] = feed.split('<!-- sparkle-signatures:\n')
  const [, value = ''] = /^edSignature: (.*)$/m.exec(trailer) ?? []
  return verify(null, Buffer.from(content), publicKey, Buffer.from(value, 'base64')) ? content : undefined
}

describe('a feed for Sparkle', () => {
  test('is signed with a key that stays here, and out of date with the next version', async () => {
    const { run, json, read } = await publisher()
    expect((await run('appcast show production')).stdout).toMatch(/signed +no; apps with SURequireSignedFeed/)
    const { exitCode, stderr, stdout } = await run('appcast sign production --key sparkle.key --yes')
    expect([exitCode, stderr, stdout]).toEqual([
      0,
      expect.stringMatching(/1\.0\.0\+1 +https:\/\/downloads\.test\/Editor\.dmg +without edSignature/),
      expect.stringMatching(/signed +yes, at /),
    ])
    expect(stdout + stderr).not.toContain(seed)
    expect(verified(await read())).toContain('<title>1.0.0+1</title>')
    const line = [...elsewhere, 'b'.repeat(64), '--version', '1.1.0+2', '--yes']
    expect((await run(['binary', 'publish', ...line])).stderr).toMatch(
      /feed of production is out of date.*appcast sign production/,
    )
    expect(verified(await read())).toBeUndefined()
    expect((await run('appcast show production')).stdout).toMatch(/signed +out of date since \S+: .*appcast sign/s)
    const after = await json<Appcast>('appcast', 'sign', 'production', '--key', 'sparkle.key', '--yes')
    expect(after.signature?.isInForce).toBe(true)
    expect(verified(await read())).toContain('<title>1.1.0+2</title>')
  })

  test('is signed by the key that comes in, or elsewhere by sign_update', async () => {
    const { run, json, cwd, write, publish, read } = await publisher()
    const piped = ['appcast', 'sign', 'production', '--key', '-', '--yes']
    expect((await run(piped, { input: `${seed}\n` })).exitCode).toBe(0)
    await publish('1.1.0+2', 'b')
    await json('appcast', 'save', 'production', 'appcast.xml')
    const saved = await readFile(join(cwd, 'appcast.xml'))
    const value = sign(null, saved, privateKey).toString('base64')
    const signed = `${String(saved)}<!-- sparkle-signatures:\nedSignature: ${value}\nlength: ${saved.length}\n-->\n`
    await write({ 'signed.xml': signed, 'other.xml': signed.replace('1.1.0', '1.1.1') })
    const { exitCode, stderr } = await run('appcast sign production --signed other.xml --yes')
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/signature does not fit/)])
    await json('appcast', 'sign', 'production', '--signed', 'signed.xml', '--yes')
    expect(await read()).toBe(signed)
  })

  test.each([
    ['production', 2, /--key.*--signed/],
    ['production --key sparkle.key --signed a.xml', 2, /--key.*--signed/],
    ['production --key nowhere.key', 1, /no key at/],
    ['production --key hotpatch.json', 1, /expected what "generate_keys -x" writes.*found something else/],
    ['production --key old.key', 1, /found one in its old form.*generate_keys of Sparkle 2/],
    ['production --signed nowhere.xml', 1, /cannot be read/],
    ['nowhere --key sparkle.key', 1, /nowhere/],
  ])('says what is wrong with sign %s', async (words, exitCode, message) => {
    const { run, write } = await publisher()
    await write({ 'old.key': Buffer.alloc(96, 7).toString('base64') })
    const told = await run(`appcast sign ${words} --yes`)
    expect([told.exitCode, told.stderr]).toEqual([exitCode, expect.stringMatching(new RegExp(message, 's'))])
  })

  test('is not signed by a key that the app does not know', async () => {
    const { run } = await publisher({ key: false })
    const { exitCode, stderr } = await run('appcast sign production --key sparkle.key --yes')
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`keys add --sparkle ${publicText}`)])
  })
})
