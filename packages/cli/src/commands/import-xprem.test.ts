import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Page, PublishedRelease, Release, Rollout } from '@hotpatch/api'
import { expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'
import { XPREM_AT as AT, xpremBucket as bucketOf, xpremId as idOf } from '../testing/xprem-bucket.ts'

const server = useServer()
const IMPORT = 'import xprem bucket --branch main=production'

async function createImporter() {
  const publisher = await server.createPublisher()
  await publisher.json(`apps set ${publisher.app.slug} --check-access open --yes`)
  const rollouts = async () => (await publisher.json<Page<Rollout>>('rollouts list')).items
  /** As Expo's client asks that runs what its binary shipped with. */
  const ask = (headers: Record<string, string> = {}) =>
    fetch(`${server.url()}/expo/${publisher.app.slug}/manifest`, {
      headers: {
        accept: 'multipart/mixed,application/expo+json,application/json',
        'expo-platform': 'android',
        'expo-protocol-version': '1',
        'expo-runtime-version': '1',
        'expo-channel-name': 'production',
        'eas-client-id': '0b0c0d0e-0000-4000-8000-00000000000a',
        'expo-embedded-update-id': 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
        'expo-current-update-id': 'f47ac10b-58cc-4372-a567-0e02b2c3d479',
        ...headers,
      },
    })
  async function manifestOf(headers: Record<string, string> = {}) {
    const answer = await ask(headers)
    expect(answer.status).toBe(200)
    return JSON.parse(/^\{.*\}$/m.exec(await answer.text())?.[0] ?? '')
  }
  /** The text of a file, as the client that has the manifest asks for it. */
  const textOf = async ({ url }: { url: string }) =>
    (await fetch(url, { headers: { 'expo-platform': 'android', 'expo-runtime-version': '1' } })).text()
  return { ...publisher, rollouts, ask, manifestOf, textOf }
}

test('what a bucket has becomes releases, in order, which Expo clients get', async () => {
  const tool = await createImporter()
  await tool.write(
    bucketOf([
      { at: 0, bundle: 'first' },
      { at: 5, bundle: 'second' },
      { at: 5, bundle: 'second', platform: 'ios' },
      { at: 7, bundle: 'other', runtimeVersion: '2' },
      { at: 9, bundle: 'trial', branch: 'beta' },
    ]),
  )
  const shown = await tool.run(`${IMPORT} --dry-run`)
  expect([shown.exitCode, shown.stderr]).toEqual([
    0,
    expect.stringContaining(
      `1.4.0+${idOf(0)} for android, of 2026-03-01T10:00:00.000Z, branch main onto production, runtime version 1, 2 files`,
    ),
  ])
  expect(await tool.rollouts()).toEqual([])
  const asked = await tool.run(IMPORT, { isTTY: true, input: 'n\n' })
  expect([asked.exitCode, asked.stderr]).toEqual([1, expect.stringContaining('Publish 5 releases for')])
  expect(await tool.run(IMPORT)).toMatchObject({ exitCode: 2 })
  expect(await tool.rollouts()).toEqual([])

  const done = await tool.json<{ imported: PublishedRelease[] }>(`${IMPORT} --yes`)
  expect(done).toMatchObject({ already: 0, leftOut: [] })
  expect(done.imported.map(({ version, platform, channel }) => [version, platform, channel])).toEqual([
    [`1.4.0+${idOf(0)}`, 'android', 'production'],
    [`1.4.0+${idOf(5, 1)}`, 'ios', 'production'],
    [`1.4.0+${idOf(5)}`, 'android', 'production'],
    [`1.4.0+${idOf(7)}`, 'android', 'production'],
    [`1.4.0+${idOf(9)}`, 'android', 'beta'],
  ])
  const second = await tool.json<Release>(`releases show ${done.imported[2]?.releaseId}`)
  expect(second).toMatchObject({ notes: 'The second\nCommit c0ffee', requirement: { runtimeVersion: '1' } })

  const manifest = await tool.manifestOf()
  expect(manifest).toMatchObject({ runtimeVersion: '1', extra: { expoClient: { name: 'Shop', version: '1.4.0' } } })
  expect(await tool.textOf(manifest.launchAsset)).toBe('bundle second')
  expect(await tool.textOf(manifest.assets[0])).toBe('logo')
  const trial = await tool.manifestOf({ 'expo-channel-name': 'beta' })
  expect(await tool.textOf(trial.launchAsset)).toBe('bundle trial')
  const other = await tool.manifestOf({ 'expo-runtime-version': '2' })
  expect(await tool.textOf(other.launchAsset)).toBe('bundle other')
})

test('the same again changes nothing, and what came since is added', async () => {
  const tool = await createImporter()
  await tool.write(bucketOf([{ at: 0, bundle: 'first' }]))
  await tool.json(`${IMPORT} --yes`)
  const [first] = await tool.rollouts()
  // Whatever somebody made of it stays.
  await tool.json(`rollouts halt ${first?.id} --yes`)
  expect(await tool.json(`${IMPORT} --yes`)).toEqual({ imported: [], already: 1, leftOut: [] })
  await tool.write(bucketOf([{ at: 3, bundle: 'second' }]))
  const again = await tool.json<{ imported: PublishedRelease[] }>(`${IMPORT} --yes`)
  expect(again).toMatchObject({ already: 1, imported: [{ version: `1.4.0+${idOf(3)}` }] })
  expect((await tool.rollouts()).map(({ version, state }) => [version, state])).toEqual([
    [`1.4.0+${idOf(3)}`, 'active'],
    [`1.4.0+${idOf(0)}`, 'halted'],
  ])
})

test('what was rolled back to embedded is kept, and nobody gets it', async () => {
  const tool = await createImporter()
  await tool.write(
    bucketOf([
      { at: 0, bundle: 'first' },
      { at: 2, bundle: 'other', runtimeVersion: '2' },
      { at: 5 },
      { at: 6, bundle: 'apple', platform: 'ios' },
    ]),
  )
  await tool.json(`${IMPORT} --yes`)
  expect((await tool.ask()).status).toBe(204)
  expect((await tool.ask({ 'expo-runtime-version': '2' })).status).toBe(200)
  expect((await tool.ask({ 'expo-platform': 'ios' })).status).toBe(200)
  expect((await tool.rollouts()).map(({ version, percentage }) => [version, percentage])).toContainEqual([
    `1.4.0+${idOf(0)}`,
    0,
  ])
})

test('what cannot be read is named and left out, and the rest is imported', async () => {
  const tool = await createImporter()
  const launch = '_expo/static/js/android/index.hbc'
  await tool.write(
    bucketOf([
      { at: 0, bundle: 'first' },
      { at: 1, bundle: 'unfinished', change: { '.check': undefined } },
      { at: 2, bundle: 'torn', change: { [launch]: undefined } },
      { at: 3, bundle: 'nameless', change: { 'update-metadata.json': '{' } },
      { at: 4, bundle: 'web', platform: 'web' },
      { at: 5, bundle: 'broken', change: { 'metadata.json': '{"fileMetadata":{"android":{}}}' } },
      { at: 6, bundle: 'unversioned', change: { 'expoConfig.json': undefined } },
    ]),
  )
  const { imported, leftOut } = await tool.json<{
    imported: PublishedRelease[]
    leftOut: { path: string; reason: string }[]
  }>(`${IMPORT} --yes`)
  expect(imported.map(({ version }) => version)).toEqual([`1.4.0+${idOf(0)}`, `0.0.0+${idOf(6)}`])
  expect(leftOut.toSorted((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
    { path: `main/1/${idOf(1)}`, reason: expect.stringContaining('no .check') },
    { path: `main/1/${idOf(2)}`, reason: expect.stringContaining(`lacks the file ${launch}`) },
    { path: `main/1/${idOf(3)}`, reason: expect.stringContaining('no readable update-metadata.json') },
    { path: `main/1/${idOf(4)}`, reason: expect.stringContaining('"web"') },
    { path: `main/1/${idOf(5)}`, reason: expect.stringContaining('none of expo export') },
  ])
})

test('what was stopped in the middle goes on where it was', async () => {
  const tool = await createImporter()
  await tool.write(
    bucketOf([
      { at: 0, bundle: 'first' },
      { at: 1, bundle: 'second' },
      { at: 2, bundle: 'third' },
    ]),
  )
  const stop = new AbortController()
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (chunk.toString().includes(': 1 of 3.')) stop.abort()
      done()
    },
  })
  const { exitCode } = await tool.run(`${IMPORT} --yes`, { stderr, signal: stop.signal })
  expect(exitCode).not.toBe(0)
  expect((await tool.rollouts()).map(({ version }) => version)).toEqual([`1.4.0+${idOf(0)}`])
  expect(await tool.json(`${IMPORT} --yes`)).toMatchObject({ imported: [{}, {}], already: 1 })
  const manifest = await tool.manifestOf()
  expect(await tool.textOf(manifest.launchAsset)).toBe('bundle third')
})

test('a bucket of later versions has a folder for each app, and earlier ones no digit for the platform', async () => {
  const tool = await createImporter()
  await tool.write({
    ...bucketOf([{ at: 0, bundle: 'first' }], { root: 'bucket/shop', hasDigit: false }),
    ...bucketOf([{ at: 0, bundle: 'first' }], { root: 'bucket/news' }),
  })
  const several = await tool.run(`${IMPORT} --yes`)
  expect([several.exitCode, several.stderr]).toEqual([2, expect.stringContaining('the apps news, shop')])
  await rm(join(tool.cwd, 'bucket/news'), { recursive: true })
  const { imported } = await tool.json<{ imported: PublishedRelease[] }>(`${IMPORT} --yes`)
  expect(imported).toMatchObject([{ version: `1.4.0+${AT}` }])
  await rm(join(tool.cwd, 'bucket/shop'), { recursive: true })
  const none = await tool.run(`${IMPORT} --yes`)
  expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('found no such folder')])
})

test('a branch goes to the channel of its name, which has to be there', async () => {
  const tool = await createImporter()
  await tool.write(bucketOf([{ at: 0, bundle: 'first', branch: 'preview' }]))
  const missing = await tool.run('import xprem bucket --yes')
  expect([missing.exitCode, missing.stderr]).toEqual([1, expect.stringContaining('has no channel "preview"')])
  const mistaken = await tool.run(`${IMPORT} --yes`)
  expect([mistaken.exitCode, mistaken.stderr]).toEqual([2, expect.stringContaining('there is no branch main')])
  const unreadable = await tool.run('import xprem bucket --branch main --yes')
  expect([unreadable.exitCode, unreadable.stderr]).toEqual([2, expect.stringContaining('expected branch=channel')])
  await tool.json('channels create preview --yes')
  expect(await tool.json('import xprem bucket --yes')).toMatchObject({ imported: [{ channel: 'preview' }] })
})
