import type { Page, PublishedRelease, Release } from '@hotpatch/api'
import { sha256Of } from '@hotpatch/testkit'
import { anApk, anIpa, makeSigner, type ApkFacts } from '@hotpatch/testkit/binaries'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()
const publisher = () => server.createPublisher({ platforms: ['android', 'ios', 'windows', 'linux'] })
const signer = makeSigner('Ours')
const apk = (facts: ApkFacts = {}) => anApk({ signer, version: '1.4.0', versionCode: 14, ...facts })
const ipa = () => anIpa({ version: '1.4.0', build: '7' })
const program = Buffer.concat([Buffer.from('MZ'), Buffer.alloc(58), Buffer.from([64, 0, 0, 0]), Buffer.from('PE\0\0')])

test('what a file says is its version, its code and its platform, and the plan shows it', async () => {
  const { json, run, write } = await publisher()
  await write({ 'shop.apk': apk() })
  const dry = await run('binary publish shop.apk --dry-run')
  expect(dry.stderr).toMatch(/Release +app-\d+ 1\.4\.0\+14 for android/)
  expect(dry.stderr).toMatch(
    /Application +com\.example\.app 1\.4\.0 \(code 14\), code for arm64-v8a, .*signed by [0-9a-f]{64}/,
  )
  const published = await json<PublishedRelease>('binary publish shop.apk --yes')
  expect(published).toMatchObject({ version: '1.4.0+14', platform: 'android' })
  expect(await json<Release>('binary show 1.4.0+14 --platform android')).toMatchObject({ versionCode: 14 })
})

test('the files of each platform say their own version', async () => {
  const { json, write } = await publisher()
  await write({ 'shop.apk': apk(), 'shop.ipa': ipa() })
  const { releases } = await json<{ releases: PublishedRelease[] }>('binary publish shop.apk shop.ipa --yes')
  expect(releases.map(({ platform, version }) => `${platform} ${version}`)).toEqual(['android 1.4.0+14', 'ios 1.4.0+7'])
})

test('APKs for one processor each are set apart by what is in them', async () => {
  const { json, write } = await publisher()
  await write({
    'one.apk': apk({ versionCode: 1014, architectures: ['arm64-v8a'] }),
    'two.apk': apk({ versionCode: 2014, architectures: ['x86_64'] }),
  })
  const { version, content } = await json<PublishedRelease>('binary publish one.apk two.apk --yes')
  const files = content.kind === 'binary' ? content.files.map((file) => `${file.name} ${file.architecture}`) : []
  expect([version, files]).toEqual(['1.4.0', ['one.apk arm64', 'two.apk x86_64']])
})

test('what is written for an updater beside a file says its version', async () => {
  const { json, write } = await publisher()
  const tauri = {
    version: 'v2.1.0',
    platforms: { 'linux-x86_64': { signature: '', url: 'https://a.test/d/Shop%20App.deb' } },
  }
  await write({
    'electron/latest.yml': 'version: 3.1.0\nfiles:\n  - url: Shop.exe\n',
    'electron/Shop.exe': program,
    'tauri/latest.json': JSON.stringify(tauri),
    'tauri/Shop App.deb': Buffer.from('!<arch>\ndebian-binary   '),
  })
  expect(await json('binary publish', 'electron/Shop.exe', '--yes')).toMatchObject({ version: '3.1.0' })
  expect(await json('binary publish', 'tauri/Shop App.deb', '--yes')).toMatchObject({ version: '2.1.0' })
  const again = await json<PublishedRelease>('publish electron/latest.yml --yes')
  expect(again).toMatchObject({ version: '3.1.0', platform: 'windows' })
})

test.each<[string, string, Record<string, Buffer | string>, RegExp]>([
  [
    'another version than the file has',
    'binary publish a.apk --version 1.5.0',
    { 'a.apk': apk() },
    /a\.apk: expected the version 1\.5\.0, found 1\.4\.0\..*--accept typed-values-differ/,
  ],
  [
    'another code',
    'binary publish a.apk --version 1.4.0+15',
    { 'a.apk': apk() },
    /expected the build 15, as in 1\.4\.0\+15, found 14/,
  ],
  [
    'another processor',
    'binary publish a.apk --architecture x86_64',
    { 'a.apk': apk({ architectures: ['arm64-v8a'] }) },
    /expected code for x86_64, found arm64-v8a/,
  ],
  [
    'another platform',
    'binary publish a.apk --platform ios',
    { 'a.apk': apk() },
    /a\.apk is for android, and not for ios/,
  ],
  [
    'two versions',
    'binary publish a.apk b.apk',
    { 'a.apk': apk(), 'b.apk': apk({ version: '1.5.0', architectures: ['x86'] }) },
    /Expected one version, found 1\.4\.0\+14 and 1\.5\.0\+14/,
  ],
  [
    'two files for the same phones',
    'binary publish a.apk b.apk',
    { 'a.apk': apk(), 'b.apk': apk({ id: 'com.example.other' }) },
    /Expected one file for android, arm64, apk, found 2: .*a\.apk, .*b\.apk\. Name the one that is meant/,
  ],
  ['a file that says nothing', 'binary publish a.exe', { 'a.exe': program }, /a\.exe does not say it/],
  ['what its name does not say', 'binary publish a.exe', { 'a.exe': 'no program' }, /a\.exe is not what its name says/],
  ['a word that accepts nothing', 'binary publish a.apk --accept everything', { 'a.apk': apk() }, /other-certificate/],
])('%s: said before a server is asked', async (_what, line, files, message) => {
  const { json, run, write } = await publisher()
  await write(files)
  const { exitCode, stderr } = await run(`${line} --yes`)
  expect([exitCode > 0, stderr]).toEqual([true, expect.stringMatching(message)])
  expect((await json<Page<Release>>('releases list')).items).toEqual([])
})

test('what is typed and meant is published', async () => {
  const { json, write } = await publisher()
  await write({ 'a.apk': apk() })
  const line = 'binary publish a.apk --version 2.0.0 --accept typed-values-differ --yes'
  expect(await json<PublishedRelease>(line)).toMatchObject({ version: '2.0.0' })
})

test.each<[string, ApkFacts, RegExp]>([
  [
    'other-application',
    { id: 'com.example.other' },
    /expected com\.example\.app, as the last release, found com\.example\.other/,
  ],
  ['other-certificate', { signer: makeSigner('Theirs') }, /expected the certificate [0-9a-f]{64} of the last release/],
  [
    'lower-version-code',
    { versionCode: 13 },
    /expected a version code of 14 or more, as the last release has that, found 13/,
  ],
])('%s is told before anything is uploaded, with the word for it', async (name, facts, message) => {
  const { json, run, write, app } = await publisher()
  const next = apk({ version: '1.5.0', versionCode: 15, ...facts })
  await write({ 'first.apk': apk(), 'next.apk': next })
  await json('binary publish first.apk --yes')
  const line = 'binary publish next.apk'
  const refused = await run(`${line} --yes`)
  expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringMatching(message)])
  expect(refused.stderr).toContain(
    `in next.apk. Publish the file that is meant, or accept this by its name. If it is meant: --accept ${name}.`,
  )
  const there = await fetch(`${server.url()}/manage/v1/apps/${app.slug}/artifacts/${sha256Of(next)}?kind=binary`, {
    headers: { authorization: `Bearer ${server.ownerToken()}` },
  })
  expect(there.status).toBe(404)
  const dry = await run(`${line} --accept ${name} --dry-run`)
  expect([dry.exitCode, dry.stderr]).toEqual([0, expect.stringContaining(`! ${name}: expected`)])
  expect(dry.stderr).toContain('This is accepted.')
  expect((await json<PublishedRelease>(`${line} --accept ${name} --yes`)).version).toMatch(/^1\.5\.0/)
  // Again, as after an answer that got lost: what was published is no objection to itself.
  expect((await json<PublishedRelease>(`${line} --accept ${name} --yes`)).version).toMatch(/^1\.5\.0/)
})
