import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PublishedRelease, Release } from '@hotpatch/api'
import { readFilesManifest } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

const assets = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`www/assets/${index}.bin`, `asset ${index}`]))

async function manifestAt(url: string) {
  return readFilesManifest(await (await fetch(url)).text())
}

type PublishedFiles = PublishedRelease & { content: { kind: 'files'; downloadUrl: string; fileCount: number } }

test('a folder is published as files, signed; of the next release only what changed is sent', async () => {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write({ 'www/main.js': 'start()', 'www/main.js.map': '{}', ...assets(300) })
  const first = await publisher.run(
    'publish www --platform android --kind files --entry main.js --version 1.0.0 --any-native --yes',
  )
  expect(first).toMatchObject({ exitCode: 0 })
  expect(first.stderr).toContain('301 files of')
  expect(first.stderr).toContain('1 source map left out')

  await publisher.write({ 'www/assets/7.bin': 'another one', 'www/more.txt': 'new' })
  const second = await publisher.run(
    'publish www --platform android --kind files --entry main.js --version 1.1.0 --any-native --yes',
  )
  expect(second).toMatchObject({ exitCode: 0 })
  expect(second.stderr).toContain('The server has 300 of 302 files: 14 bytes are sent.')

  const { items } = await publisher.json<{ items: Release[] }>('releases list')
  const [newest] = items
  expect(newest).toMatchObject({ version: '1.1.0', content: { kind: 'files', fileCount: 302, launch: 'main.js' } })
  const { launch, files } = await manifestAt(newest?.content.kind === 'files' ? newest.content.downloadUrl : '')
  expect([launch, files.length]).toEqual(['main.js', 302])
  expect(files.find(({ path }) => path === 'more.txt')).toMatchObject({
    sizeBytes: 3,
    contentType: 'text/plain; charset=utf-8',
  })
})

test('the very same again is the release that is there', async () => {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write(assets(3))
  const line = 'publish www --platform android --kind files --version 1.0.0 --any-native --yes'
  const { releaseId } = await publisher.json<PublishedRelease>(line)
  expect(await publisher.json(line)).toMatchObject({ releaseId })
  await publisher.write({ 'www/assets/0.bin': 'other' })
  const other = await publisher.run(line)
  expect(other.exitCode).not.toBe(0)
  expect(other.stderr).toContain('1.0.0')
})

test('a dry run sends nothing', async () => {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write(assets(3))
  const { exitCode, stderr } = await publisher.run(
    'publish www --platform android --kind files --version 1.0.0 --any-native --dry-run',
  )
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining('Nothing was published.')])
  const again = await publisher.run('publish www --platform android --kind files --version 1.0.0 --any-native --yes')
  expect(again.stderr).not.toContain('The server has')
})

test('what is not there, or must stay secret, is refused before anything is sent', async () => {
  const publisher = await server.createPublisher({ platforms: ['android'] })
  await publisher.write({ ...assets(2), 'www/.env': 'KEY=1' })
  const line = 'publish www --platform android --kind files --entry start.js --version 1.0.0 --any-native --yes'
  const { exitCode, stderr } = await publisher.run(line)
  expect(exitCode).not.toBe(0)
  expect(stderr).toContain('start.js in the folder')
  expect(stderr).toContain('.env')
  await rm(join(publisher.cwd, 'www'), { recursive: true })
  expect((await publisher.run(line)).stderr).toContain('found nothing')
})

const metro = 'a'.repeat(32)
const metadata = {
  version: 0,
  bundler: 'metro',
  fileMetadata: {
    android: { bundle: '_expo/static/js/android/index.hbc', assets: [{ path: `assets/${metro}`, ext: 'png' }] },
    ios: { bundle: '_expo/static/js/ios/index.hbc', assets: [] },
  },
}
const exported = {
  'dist/metadata.json': JSON.stringify(metadata),
  'dist/_expo/static/js/android/index.hbc': 'android',
  'dist/_expo/static/js/ios/index.hbc': 'ios',
  [`dist/assets/${metro}`]: 'png',
  'dist/expo-config.json': JSON.stringify({ name: 'Shop', slug: 'shop' }),
}

test('what expo export has written is known as that: each platform has its own files', async () => {
  const publisher = await server.createPublisher({ platforms: ['android', 'ios'] })
  await publisher.write(exported)
  const published = await publisher.json<{ releases: PublishedFiles[] }>(
    'publish dist --platform android,ios --version 1.0.0 --runtime-version 1 --yes',
  )
  const [android, ios] = published.releases
  expect(await manifestAt(android?.content.downloadUrl ?? '')).toMatchObject({
    launch: '_expo/static/js/android/index.hbc',
    files: [
      { path: '_expo/static/js/android/index.hbc' },
      { path: `assets/${metro}` },
      { path: 'expo-config.json' },
      { path: 'metadata.json' },
    ],
  })
  expect((await manifestAt(ios?.content.downloadUrl ?? '')).files.map(({ path }) => path)).toEqual([
    '_expo/static/js/ios/index.hbc',
    'expo-config.json',
    'metadata.json',
  ])
})

test('an export that lacks a file, or the platform, is refused', async () => {
  const publisher = await server.createPublisher({ platforms: ['android', 'ios', 'web'] })
  await publisher.write(exported)
  await rm(join(publisher.cwd, 'dist/assets', metro))
  const lacking = await publisher.run('publish dist --platform android --version 1.0.0 --runtime-version 1 --yes')
  expect(lacking.stderr).toContain(`Expected the file assets/${metro}, which metadata.json names`)
  const other = await publisher.run('publish dist --platform web --version 1.0.0 --runtime-version 1 --yes')
  expect(other.stderr).toContain('found android, ios. Export it anew: npx expo export --platform web.')
})
