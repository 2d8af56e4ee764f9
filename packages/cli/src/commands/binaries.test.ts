import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Page, PublishedRelease, Release, Rollout } from '@hotpatch/api'
import { readReleaseStatement } from '@hotpatch/protocol'
import { noise } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const example = (name: string) => readFileSync(new URL(`../../../../examples/binaries/${name}`, import.meta.url))
const apk = example('hello-1.1.0.apk')
const disk = (text: string) => Buffer.concat([noise(900), Buffer.from(`${text}koly`), Buffer.alloc(508)])
const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), Buffer.from([64, 0, 0, 0]), Buffer.from('PE\0\0')])
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const server = useServer()
const publisher = () => server.createPublisher({ platforms: ['android', 'macos', 'windows'] })

test('an APK is planned, signed, sent, listed, shown and switched off and on', async () => {
  const { json, run, write } = await publisher()
  await write({ 'shop.apk': apk })
  const line = 'binary publish shop.apk --version 1.1.0+1 --mandatory-below 1.0.0 --notes Fresh'
  const dry = await run(`${line} --dry-run`)
  expect(dry.stderr).toMatch(/shop\.apk: apk for any, .*SHA-256/)
  expect(dry.stderr).toMatch(/Mandatory +below 1\.0\.0/)
  expect((await json<Page<Release>>('binary list')).items).toEqual([])

  const published = await json<PublishedRelease>(`${line} --yes`)
  expect(published).toMatchObject({
    platform: 'android',
    content: { kind: 'binary', files: [{ sha256: sha256(apk) }] },
  })
  const release = await json<Release>('binary show 1.1.0+1 --platform android')
  expect(release).toMatchObject({ versionCode: 1, notes: 'Fresh', signature: null, keyId: expect.any(String) })
  const statement = readReleaseStatement(Buffer.from(release.statement ?? '', 'base64').toString())
  expect(statement.artifacts).toEqual([{ name: 'shop.apk', sha256: sha256(apk), sizeBytes: apk.length }])
  expect((await json<Page<Release>>('binary list')).items.map(({ id }) => id)).toEqual([release.id])
  expect((await run('binary show 1.1.0+1 --platform android')).stdout).toMatch(/shop\.apk +apk +any/)

  expect(await json<PublishedRelease>(`${line} --yes`)).toEqual(published)
  const off = await json<Rollout>('binary deactivate 1.1.0+1 --yes')
  expect([off.state, off.mandatoryBelow]).toEqual(['paused', '1.0.0'])
  expect((await json<Rollout>('binary activate 1.1.0+1 --yes')).state).toBe('active')
  const trail = await json<{ items: { action: string }[] }>('audit')
  expect(trail.items.map(({ action }) => action)).toEqual(expect.arrayContaining(['rollout.paused', 'rollout.resumed']))
})

test('files for several platforms become a release each, with what their names say', async () => {
  const { json, write } = await publisher()
  await write({ 'Shop-arm64.dmg': disk('arm'), 'Shop-x64.dmg': disk('x64'), 'Shop Setup.exe': program })
  const { releases } = await json<{ releases: PublishedRelease[] }>(
    'binary publish',
    'Shop-arm64.dmg',
    'Shop-x64.dmg',
    'Shop Setup.exe',
    '--version',
    '2.0.0',
    '--yes',
  )
  const told = releases.map(({ platform, content }) => [
    platform,
    content.kind === 'binary' && content.files.map(({ name, architecture }) => `${name} ${architecture}`),
  ])
  expect(told).toEqual([
    ['macos', ['Shop-arm64.dmg arm64', 'Shop-x64.dmg x86_64']],
    ['windows', ['Shop Setup.exe any']],
  ])
})

test('what electron-builder has left says what there is and which version', async () => {
  const { json, run, write } = await publisher()
  const yml = `version: 3.1.0\nfiles:\n  - url: Shop-3.1.0-arm64.dmg\n    size: 1\npath: Shop-3.1.0-arm64.dmg\n`
  await write({ 'dist/latest-mac.yml': yml, 'dist/Shop-3.1.0-arm64.dmg': disk('electron'), 'dist/notes.txt': 'x' })
  const shown = await run('publish dist --dry-run')
  expect(shown.stderr).toContain('Found dist/Shop-3.1.0-arm64.dmg, by latest-mac.yml of electron-builder: a whole app.')
  const published = await json<PublishedRelease>('publish dist --yes')
  expect(published).toMatchObject({ version: '3.1.0', platform: 'macos', content: { kind: 'binary' } })
})

test('whom a file is for says the channel file that names it, where the name does not', async () => {
  const { json, write } = await publisher()
  const yml = 'version: 3.2.0\nfiles:\n  - url: Shop-3.2.0-x64.zip\n    size: 1\n'
  await write({ 'dist/latest-mac.yml': yml, 'dist/Shop-3.2.0-x64.zip': example('hello-1.1.0.ipa') })
  const published = await json<PublishedRelease>('publish dist --yes')
  const file = { name: 'Shop-3.2.0-x64.zip', architecture: 'x86_64' }
  expect(published).toMatchObject({ version: '3.2.0', platform: 'macos', content: { files: [file] } })
})

test.each([
  [
    'a Tauri app',
    {
      'src-tauri/tauri.conf.json': '{"version":"4.0.0"}',
      'src-tauri/target/release/bundle/dmg/Shop_4.0.0_aarch64.dmg': disk('tauri'),
    },
    { version: '4.0.0', platform: 'macos' },
  ],
  [
    'a Tauri app whose version is in Cargo.toml, beside what it was before',
    {
      'src-tauri/tauri.conf.json': '{}',
      'src-tauri/Cargo.toml': '[package]\nname = "shop"\nversion = "4.1.0"\n',
      'src-tauri/target/release/bundle/dmg/Shop_4.0.0_aarch64.dmg': disk('before'),
      'src-tauri/target/release/bundle/dmg/Shop_4.1.0_aarch64.dmg': disk('tauri'),
    },
    { version: '4.1.0', platform: 'macos', content: { files: [{ name: 'Shop_4.1.0_aarch64.dmg' }] } },
  ],
  [
    'a Tauri app whose version is in package.json',
    {
      'package.json': '{"version":"4.2.0"}',
      'src-tauri/tauri.conf.json': '{"version":"../package.json"}',
      'src-tauri/target/release/bundle/dmg/Shop_4.2.0_aarch64.dmg': disk('tauri'),
    },
    { version: '4.2.0', platform: 'macos' },
  ],
  [
    'a Flutter app',
    { 'pubspec.yaml': 'name: shop\nversion: 1.1.0+1\n', 'build/app/outputs/flutter-apk/app-release.apk': apk },
    { version: '1.1.0+1', platform: 'android' },
  ],
])('%s is known by its own files', async (_what, files, expected) => {
  const { json, write } = await publisher()
  await write(files)
  expect(await json<PublishedRelease>('publish --yes')).toMatchObject({ content: { kind: 'binary' }, ...expected })
})

test('a web folder or a zip is a bundle still, and another kind can be asked for', async () => {
  const { json, run, write } = await publisher()
  await write({ 'www/index.html': '<p>', 'Shop.app.zip': example('hello-1.1.0.ipa') })
  const bundle = await json<PublishedRelease>('publish www --platform android --version 1.0.0 --any-native --yes')
  expect(bundle.content.kind).toBe('archive')
  const line = 'publish Shop.app.zip --kind binary --platform macos --version 6.0.0 --yes'
  expect((await json<PublishedRelease>(line)).content.kind).toBe('binary')
  expect((await run('publish www --kind binary --version 1.0.0')).stderr).toMatch(/installed from in www, found none/)
})

test.each<[string, string, Record<string, Buffer | string>, RegExp]>([
  ['nothing', 'binary publish --version 1.0.0', {}, /--download-url/],
  [
    'what is no installer',
    'binary publish a.txt --version 1.0.0',
    { 'a.txt': 'x' },
    /nothing to install from in a\.txt/,
  ],
  ['no version', 'binary publish a.exe', { 'a.exe': program }, /Say which version/],
  ['an empty file', 'binary publish a.apk --version 1.0.0', { 'a.apk': '' }, /a\.apk is empty/],
  ['a file that is none', 'binary publish a.apk --version 1.0.0', { 'a.apk': 'PK no' }, /a\.apk/],
  ['a zip for nobody', 'binary publish a.zip --version 1.0.0', { 'a.zip': apk }, /Say which platform a\.zip is for/],
  ['an address of http', 'binary publish --download-url http://127.0.0.1/a.apk --version 1.0.0', {}, /https/],
  [
    'an address whose bytes nobody has seen',
    'binary publish --download-url https://a.test/a.apk --no-fetch --version 1.0.0',
    {},
    /give both/,
  ],
  [
    'a build that is not there',
    'publish dist',
    { 'dist/latest.yml': 'version: 1.0.0\nfiles:\n  - url: a.exe\n' },
    /no such file/,
  ],
  [
    'two versions',
    'publish one two',
    {
      'one/latest.yml': 'version: 1.0.0\nfiles: []\n',
      'two/latest.yml': 'version: 2.0.0\nfiles: []\n',
    },
    /one version, found/,
  ],
])('%s is refused, and nothing is published', async (_what, line, files, message) => {
  const { json, run, write } = await publisher()
  await write(files)
  const { exitCode, stderr } = await run(`${line} --yes`)
  expect(exitCode).not.toBe(0)
  expect(stderr).toMatch(message)
  expect((await json<Page<Release>>('releases list')).items).toEqual([])
})

test('bytes that lie elsewhere are published by their digest, when somebody vouches for them', async () => {
  const { json } = await publisher()
  const digest = 'a'.repeat(64)
  const published = await json<PublishedRelease>(
    `binary publish --download-url https://downloads.example.com/shop.apk --no-fetch --sha256 ${digest} --size 7 --version 7.0.0 --yes`,
  )
  expect(published.content).toMatchObject({
    files: [{ downloadUrl: 'https://downloads.example.com/shop.apk', sha256: digest, sizeBytes: 7 }],
  })
})
