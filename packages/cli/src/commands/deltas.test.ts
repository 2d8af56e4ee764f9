import { generateKeyPairSync, sign } from 'node:crypto'
import type { BinaryContentFile, Page, PublishedRelease, Release } from '@hotpatch/api'
import { zipOf } from '@hotpatch/testkit'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const archive = Buffer.from(await zipOf({ 'Demo.app/Contents/Info.plist': '<plist/>' }))
const delta = (from: string) => Buffer.concat([Buffer.from('spk!'), noise(200), Buffer.from(from)])

async function publisher() {
  const made = await server.createPublisher({ platforms: ['macos'] })
  const { json, app } = made
  await json('apps', 'set', app.slug, '--check-access', 'open', '--yes')
  const deltasOf = ({ content }: PublishedRelease) => {
    const files = content.kind === 'binary' ? content.files : ([] as BinaryContentFile[])
    return files.filter(({ format }) => format === 'delta').map(({ name, deltaFrom }) => [name, deltaFrom])
  }
  const feed = async () => (await fetch(`${server.url()}/apps/${app.slug}/appcast.xml`)).text()
  const releases = async () => (await json<Page<Release>>('releases list')).items
  return { ...made, deltasOf, feed, releases }
}

test('deltas that generate_appcast left beside the app are published with it, signed, and in the feed', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
  const valueOf = (bytes: Uint8Array) => sign(null, bytes, privateKey).toString('base64')
  const { write, json, run, deltasOf, feed } = await publisher()
  await json('keys add', '--sparkle', key, '--yes')
  const others = { 'Demo13-1.delta': delta('13-1'), 'Demo2-1.delta': delta('2-1'), 'notes-2.delta.txt': 'x' }
  await write({ 'Demo.zip': archive, 'Demo3-1.delta': delta('3-1'), 'Demo3-2.delta': delta('3-2'), ...others })
  const signatures = [archive, delta('3-1')].map(valueOf)
  const args = ['Demo.zip', '--platform', 'macos', '--version', '1.2.0+3', '--architecture', 'arm64']
  const shown = await run(['binary', 'publish', ...args, '--dry-run'])
  expect(shown.stdout + shown.stderr).toMatch(/Demo3-1\.delta: delta from 1 for arm64/)
  const published = await json<PublishedRelease>('binary publish', ...args, '--yes', '--sparkle', ...signatures)
  expect(deltasOf(published)).toEqual([
    ['Demo3-1.delta', '1'],
    ['Demo3-2.delta', '2'],
  ])
  // The other one nobody signed.
  const told = await feed()
  expect([...told.matchAll(/deltaFrom="(\d+)" sparkle:edSignature="([^"]+)"/g)].map((found) => found.slice(1))).toEqual(
    [['1', valueOf(delta('3-1'))]],
  )
  expect(await run('binary show 1.2.0+3 --platform macos')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/Demo3-2\.delta +delta from 2 +arm64/),
  })
  expect((await json<PublishedRelease>('binary publish', ...args, '--yes')).releaseId).toBe(published.releaseId)
})

test('deltas are named with the version that they are from: its build, or what its release has', async () => {
  const { write, json, run, deltasOf, releases } = await publisher()
  await write({
    'Demo.zip': archive,
    'one.delta': delta('one'),
    'two.delta': delta('two'),
    'Demo3-9.delta': delta('9'),
  })
  const old = 'binary publish Demo.zip --platform macos --version 1.0.0 --yes'
  await json(old)
  const args = ['Demo.zip', '--platform', 'macos', '--version', '1.2.0+3', '--no-deltas', '--yes']
  for (const [named, code, message] of [
    ['one.delta', 2, /expected VERSION=FILE, such as 1\.0\.0=App2-1\.delta, found "one\.delta"/],
    ['0.9.0=one.delta', 1, /has never had the version 0\.9\.0/],
    ['1=Demo.zip', 2, /a file that ends in \.delta, found Demo\.zip/],
    ['3=one.delta', 1, /a build below 3, that of the release, found one from 3/],
  ] as const) {
    const { exitCode, stderr } = await run(['binary', 'publish', ...args, '--delta', named])
    expect([exitCode, stderr]).toEqual([code, expect.stringMatching(message)])
  }
  expect(await releases()).toHaveLength(1)
  const named = ['--delta', '1.0.0=one.delta', '--delta', '1.1.0+2=two.delta']
  expect(deltasOf(await json<PublishedRelease>('binary publish', ...args, ...named))).toEqual([
    ['one.delta', '1.0.0'],
    ['two.delta', '2'],
  ])
})
