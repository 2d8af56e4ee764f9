import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page, PublishedRelease, Release, ReleaseFile } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { EXPO_PROGRAM } from '../testing/expo-program.ts'
import { createCollector } from '../testing/run-tool.ts'
import { useServer } from '../testing/server-suite.ts'
import { runProgram } from '../programs/run-program.ts'
import { completeContext } from '../process/context.ts'

const server = useServer()

async function createExpoApp(expo: object, more: Record<string, string> = {}) {
  const publisher = await server.createPublisher()
  await publisher.installProgram('npx', EXPO_PROGRAM)
  await publisher.write({
    'package.json': JSON.stringify({ dependencies: { expo: '57', 'react-native': '0.86' } }),
    'app.json': JSON.stringify({ expo: { name: 'Shop', slug: 'shop', version: '1.4.0', ...expo } }),
    'index.js': 'start()',
    ...more,
  })
  const asked = async () => (await readFile(join(publisher.cwd, 'npx.log'), 'utf8')).trim().split('\n')
  return { ...publisher, asked }
}

test('an Expo app is exported and published: version, runtime version, channel and notes come of themselves', async () => {
  const app = await createExpoApp({ runtimeVersion: { policy: 'nativeVersion' }, android: { versionCode: 7 } })
  await app.json('channels create preview --yes')
  const now = () => new Date('2030-01-31T12:30:00Z')
  const line = ['publish', '--branch', 'preview', '--message', 'A new basket', '--yes', '--json']
  const { exitCode, stdout, stderr } = await app.run(line, { now })
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Found app.json: an Expo app')])
  const { releases } = JSON.parse(stdout) as { releases: PublishedRelease[] }
  expect(releases).toMatchObject([
    { platform: 'android', version: '1.4.0+20300131123000', channel: 'preview' },
    { platform: 'ios', version: '1.4.0+20300131123000', channel: 'preview' },
  ])
  const [android, ios] = await Promise.all(
    releases.map(({ releaseId }) => app.json<Release>(`releases show ${releaseId}`)),
  )
  expect(android).toMatchObject({ notes: 'A new basket', requirement: { runtimeVersion: '1.4.0(7)' } })
  expect(ios?.requirement).toMatchObject({ runtimeVersion: '1.4.0(1)' })
  expect(android?.content).toMatchObject({ kind: 'files', launch: '_expo/static/js/android/index.hbc' })
  const { files } = await app.json<{ files: Page<ReleaseFile> }>(`updates view ${ios?.id}`)
  expect(files.items.map(({ path }) => path)).toEqual([
    '_expo/static/js/ios/index.hbc',
    `assets/${'a'.repeat(32)}`,
    'expo-config.json',
    'metadata.json',
  ])
  const config = files.items.find(({ path }) => path === 'expo-config.json')
  expect(await (await fetch(config?.downloadUrl ?? '')).json()).toMatchObject({ name: 'Shop', version: '1.4.0' })
  // Nothing is left of the export.
  expect(await readdir(app.env.TMPDIR)).toEqual([])
})

test.each<[object, string]>([
  [{ runtimeVersion: '2' }, '2'],
  [{ runtimeVersion: '2', android: { runtimeVersion: '3' } }, '3'],
  [{ runtimeVersion: { policy: 'appVersion' } }, '1.4.0'],
  [{ runtimeVersion: { policy: 'appVersion' }, android: { version: '1.5.0' } }, '1.5.0'],
  [{ runtimeVersion: { policy: 'nativeVersion' } }, '1.4.0(1)'],
  [{ runtimeVersion: { policy: 'sdkVersion' }, sdkVersion: '57.0.0' }, 'exposdk:57.0.0'],
  [{ runtimeVersion: { policy: 'fingerprint' } }, 'print-android'],
])('the runtime version of %j is %s', async (expo, runtimeVersion) => {
  const app = await createExpoApp(expo)
  expect(await app.json('publish --platform android --dry-run')).toMatchObject({ requirement: { runtimeVersion } })
})

test('what is said by hand wins', async () => {
  const app = await createExpoApp({})
  const line = 'publish --platform android --version 2.0.0 --runtime-version 9 --yes'
  const { releaseId } = await app.json<PublishedRelease>(line)
  const release = await app.json(`releases show ${releaseId}`)
  expect(release).toMatchObject({ version: '2.0.0', requirement: { runtimeVersion: '9' } })
  expect(await app.asked()).toEqual([
    'expo config --type public --json',
    expect.stringMatching(/^expo export --platform android --output-dir \S+$/),
  ])
})

test('without a word for it, nothing is exported', async () => {
  const app = await createExpoApp({ runtimeVersion: '1' })
  expect(await app.run('publish --platform android')).toMatchObject({ exitCode: 2 })
  await expect(app.asked()).rejects.toThrow('ENOENT')
  const none = await createExpoApp({})
  const refused = await none.run('publish --platform android --yes')
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('Expected runtimeVersion in')])
  expect(await none.asked()).toEqual(['expo config --type public --json'])
  const web = await none.run('publish --platform web --yes')
  expect([web.exitCode, web.stderr]).toEqual([2, expect.stringContaining('found web')])
})

test('an export that fails shows what it said, and publishes nothing', async () => {
  const app = await createExpoApp({ runtimeVersion: '1' }, { broken: '' })
  const { exitCode, stderr } = await app.run('publish --platform android --yes')
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('Metro says no')])
  expect(stderr).toContain('failed with exit code 3')
  expect(await app.json('updates list')).toMatchObject({ items: [] })
})

test('--kind archive, and a bundler that is named, are as for any React Native app', async () => {
  const app = await createExpoApp({ runtimeVersion: '1' })
  const archive = await app.run('publish --platform android --kind archive --yes')
  expect([archive.exitCode, archive.stderr]).toEqual([2, expect.stringContaining('Say which version it is')])
  const named = await app.run('publish --platform android --entry-file index.js --yes')
  expect([named.exitCode, named.stderr]).toEqual([2, expect.stringContaining('Say which version it is')])
})

test('other names of an option are not given beside it', async () => {
  const app = await createExpoApp({ runtimeVersion: '1' })
  const { exitCode, stderr } = await app.run('publish --channel production --branch production --yes')
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('--branch is another name of --channel')])
})

test('a program that does not end is ended', async () => {
  const app = await createExpoApp({})
  await app.installProgram('npx', 'setInterval(() => {}, 1000)')
  const context = completeContext({ env: app.env, cwd: app.cwd, stdout: createCollector(), stderr: createCollector() })
  const call = { name: 'npx expo', command: 'npx', args: [], cwd: app.cwd, type: 'expo', timeoutMs: 1 }
  await expect(runProgram(context, call)).rejects.toMatchObject({ type: 'expo-failed' })
})
