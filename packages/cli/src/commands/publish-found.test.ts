import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page, PublishedRelease, Release } from '@hotpatch/api'
import { anApk, makeSigner, type ApkFacts } from '@hotpatch/testkit/binaries'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

type Files = Record<string, Buffer | string>

const server = useServer()
const publisher = () => server.createPublisher({ platforms: ['android', 'macos', 'windows', 'linux'] })
const signer = makeSigner('Ours')
const apk = (facts: ApkFacts = {}) => anApk({ signer, version: '1.4.0', versionCode: 14, ...facts })
const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), Buffer.from([64, 0, 0, 0]), Buffer.from('PE\0\0')])
const deb = Buffer.from('!<arch>\ndebian-binary   ')

const found = ({ content }: PublishedRelease) =>
  content.kind === 'binary' ? content.files.map(({ name }) => name) : []

test.each<[string, Files, string, string[]]>([
  [
    'Gradle',
    {
      'app/build/outputs/apk/release/app-release.apk': apk(),
      'app/build/outputs/apk/debug/app-debug.apk': apk({ id: 'com.example.app.debug' }),
      'app/build/intermediates/apk/release/app-release.apk': apk({ id: 'x.y' }),
    },
    '1.4.0+14',
    ['app-release.apk'],
  ],
  [
    'the usual folder dist',
    { 'dist/Shop-1.4.0.apk': apk(), 'dist/linux-unpacked/shop.deb': deb },
    '1.4.0+14',
    ['Shop-1.4.0.apk'],
  ],
  ['the folder build', { 'build/shop.apk': apk() }, '1.4.0+14', ['shop.apk']],
  ['the folder release', { 'release/out/shop.apk': apk() }, '1.4.0+14', ['shop.apk']],
  [
    'electron-builder, from the project',
    {
      'package.json': '{"version":"9.9.9"}',
      'dist/latest.yml': 'version: 3.1.0\nfiles:\n  - url: Shop.exe\n',
      'dist/Shop.exe': program,
      'dist/old.exe': program,
    },
    '3.1.0',
    ['Shop.exe'],
  ],
  [
    'Electron Forge',
    { 'package.json': '{"version":"2.5.0"}', 'out/make/squirrel.windows/x64/Shop Setup.exe': program },
    '2.5.0',
    ['Shop Setup.exe'],
  ],
  [
    'Flutter for Linux',
    {
      'pubspec.yaml': 'version: 4.0.0+9\n',
      'build/app/outputs/flutter-apk/app-release.apk': apk({ version: '4.0.0', versionCode: 9 }),
    },
    '4.0.0+9',
    ['app-release.apk'],
  ],
  [
    'Tauri',
    {
      'src-tauri/tauri.conf.json': '{"version":"5.0.0"}',
      'src-tauri/target/release/bundle/deb/shop_5.0.0_amd64.deb': deb,
    },
    '5.0.0',
    ['shop_5.0.0_amd64.deb'],
  ],
])('what %s has built is found, said and published', async (_what, files, version, names) => {
  const { json, run, write } = await publisher()
  await write(files)
  const dry = await run('publish --dry-run')
  for (const name of names)
    expect(dry.stderr).toMatch(new RegExp(`^Found .*${name.replace('.', '\\.')}.*: a whole app`, 'm'))
  const published = await json<PublishedRelease>('publish --yes')
  expect([published.version, found(published)]).toEqual([version, names])
})

const FLAVOURS = {
  'app/build/outputs/apk/free/release/app-free-release.apk': apk({ id: 'com.example.free' }),
  'app/build/outputs/apk/paid/release/app-paid-release.apk': apk({ id: 'com.example.paid' }),
}

test('of several for the same devices, somebody says which: on a terminal, or by naming it', async () => {
  const { json, run, write } = await publisher()
  await write(FLAVOURS)
  const refused = await run('publish --yes')
  expect([refused.exitCode, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/app-free-release\.apk, .*app-paid-release\.apk\. Name the one that is meant/),
  ])
  expect((await run('publish')).exitCode).toBe(2)
  expect((await json<Page<Release>>('releases list')).items).toEqual([])
  const asked = await run('publish --dry-run', { isTTY: true, input: '\u001b[B\r' })
  expect(asked.stderr).toMatch(/Application +com\.example\.paid/)
  const named = await json<PublishedRelease>('publish app/build/outputs/apk/free --yes')
  expect(found(named)).toEqual(['app-free-release.apk'])
})

test('without a terminal and without --yes nothing is published, and it says what to give', async () => {
  const { json, run, write } = await publisher()
  await write({ 'dist/shop.apk': apk() })
  const refused = await run('publish')
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringMatching(/no terminal to ask on\. Give --yes/)])
  const no = await run('publish', { isTTY: true, input: 'n' })
  expect([no.exitCode, no.stderr]).toEqual([1, expect.stringContaining('Cancelled')])
  expect((await json<Page<Release>>('releases list')).items).toEqual([])
})

test.each<[string, Files, RegExp]>([
  [
    'a build that is older than its project',
    { 'pubspec.yaml': 'version: 1.5.0+15\n', 'build/app/outputs/flutter-apk/app-release.apk': apk() },
    /Expected 1\.5\.0\+15, as pubspec\.yaml.* has it, found 1\.4\.0\+14 in app-release\.apk\. Build it anew/,
  ],
  [
    'a project that was not built',
    { 'pubspec.yaml': 'version: 1.5.0+15\n' },
    /Found pubspec\.yaml, and nothing that it was built into/,
  ],
  [
    'only what is not for users',
    { 'app/build/outputs/apk/debug/app-debug.apk': apk() },
    /nothing that it was built into: build the app first\. Left out, as not for users: .*app-debug\.apk/,
  ],
  ['a description that is none', { 'pubspec.yaml': '[' }, /pubspec\.yaml cannot be read as YAML/],
])('%s is refused', async (_what, files, message) => {
  const { json, run, write } = await publisher()
  await write(files)
  const { exitCode, stderr } = await run('publish --yes')
  expect([exitCode > 0, stderr]).toEqual([true, expect.stringMatching(message)])
  expect((await json<Page<Release>>('releases list')).items).toEqual([])
})

test('a link is not followed, and what is too deep is not found', async () => {
  const { cwd, run, write } = await publisher()
  await write({ 'elsewhere/shop.apk': apk(), 'dist/a/shop.apk': apk(), 'release/a/b/shop.apk': apk() })
  await symlink(join(cwd, 'elsewhere'), join(cwd, 'release/linked'))
  await symlink(join(cwd, 'elsewhere/shop.apk'), join(cwd, 'dist/linked.apk'))
  expect((await run('publish --version 1.0.0 --yes')).stderr).not.toContain('a whole app')
})

test('a web app with an installer in its folder is a bundle, and says what else there is', async () => {
  const { run, write, json } = await publisher()
  await write({
    'capacitor.config.json': '{"appId":"com.example.app","appName":"Shop","webDir":"www"}',
    'www/index.html': '<p>',
    'dist/shop.apk': apk(),
  })
  const dry = await run('publish --platform android --version 1.0.0 --any-native --dry-run')
  expect(dry.stderr).toContain('Found dist/shop.apk, too')
  const published = await json<PublishedRelease>('publish --kind binary --yes')
  expect(published.content.kind).toBe('binary')
})
