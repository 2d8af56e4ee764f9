import { describe, expect, test } from 'vitest'
import { codePushProtocol } from './code-push/protocol.ts'
import { makeDevices, oneOfEach, type PeerDevice } from './devices.ts'
import { hotUpdaterProtocol } from './hot-updater/protocol.ts'
import { changedPaths, RELEASES, sha256Of, type PeerRelease } from './releases.ts'

const fresh: PeerDevice = { id: 'device-1', cohort: 17, running: { kind: 'embedded' } }
const running = (release: PeerRelease): PeerDevice => ({ ...fresh, running: { kind: 'release', release } })
const at = (releases: readonly PeerRelease[], index: number) => releases.at(index) as PeerRelease

test('a third of the devices is fresh, a third behind and a third up to date', async () => {
  const { releases } = await hotUpdaterProtocol()
  const newest = releases.at(-1)
  const devices = makeDevices(9_000, releases)
  const behind = devices.flatMap(({ running }) => {
    return running.kind === 'release' && running.release !== newest ? [running.release.number] : []
  })
  const current = devices.filter(({ running }) => running.kind === 'release' && running.release === newest)
  expect([devices.length, behind.length, current.length]).toEqual([9_000, 3_000, 3_000])
  expect(new Set(behind).size).toBe(RELEASES - 1)
})

test('each release differs from the one before by its bundle and one picture', async () => {
  const { releases } = await hotUpdaterProtocol()
  for (const [index, release] of releases.slice(1).entries()) {
    const changed = changedPaths(release, at(releases, index))
    expect(changed).toHaveLength(3)
    expect(changed).toContain('index.android.bundle')
    expect(changed).toContain('manifest.json')
  }
})

describe("hot-updater's client", async () => {
  const { releases, judge, pathOf } = await hotUpdaterProtocol()
  const newest = at(releases, -1)
  const before = at(releases, -2)
  const offer = {
    id: newest.buildId,
    status: 'UPDATE',
    shouldForceUpdate: false,
    message: newest.notes,
    fileUrl: 'https://updates.example.com/bundle.zip',
    fileHash: sha256Of(newest.zip),
  }
  const fileByFile = {
    ...offer,
    manifestFileHash: sha256Of(newest.files['manifest.json'] as Buffer),
    changedAssets: Object.fromEntries(
      changedPaths(newest, before)
        .filter((path) => path !== 'manifest.json')
        .map((path) => [path, { fileHash: sha256Of(newest.files[path] as Buffer) }]),
    ),
  }

  test('asks as it does', () => {
    expect(pathOf(running(before), '/hot-updater/bench')).toBe(
      `/hot-updater/bench/app-version/android/1.4.0/production/019b76da-a800-7000-8000-000000000000/${before.buildId}/17`,
    )
  })

  test('is answered right', () => {
    expect(judge(offer, fresh)).toBeUndefined()
    expect(judge(fileByFile, running(before))).toBeUndefined()
    expect(judge({ status: 'UP_TO_DATE' }, running(newest))).toBeUndefined()
  })

  test.each([
    ['an older release', { ...offer, id: before.buildId }, fresh, 'expected id'],
    ['other bytes', { ...offer, fileHash: '00' }, fresh, 'expected fileHash'],
    ['nothing where there is an update', { status: 'UP_TO_DATE' }, fresh, 'expected id'],
    ['an update where there is none', offer, running(newest), 'expected status'],
    ['the whole where files would do', offer, running(before), 'expected manifestFileHash'],
    ['a file too few', { ...fileByFile, changedAssets: {} }, running(before), 'expected changedAssets'],
    ['nothing that is an answer', null, fresh, 'expected id'],
  ])('is not answered with %s', (_, answer, device, wrong) => {
    expect(judge(answer, device)).toContain(wrong)
  })
})

describe("CodePush's clients", async () => {
  const { releases, judge, pathOf } = await codePushProtocol()
  const newest = at(releases, -1)
  const hashes = Object.entries(newest.files).map(([path, bytes]) => `${path}:${sha256Of(bytes)}`)
  const offer = {
    is_available: true,
    is_mandatory: false,
    update_app_version: false,
    description: newest.notes,
    label: `v${RELEASES}`,
    package_hash: sha256Of(JSON.stringify(hashes.toSorted())),
  }

  test('ask as they do', () => {
    expect(pathOf(fresh, 'key')).toBe(
      '/v0.1/public/codepush/update_check?deployment_key=key&app_version=1.4.0&client_unique_id=device-1',
    )
    expect(pathOf(running(newest), 'key')).toContain(`&package_hash=${offer.package_hash}&`)
  })

  test('are answered right', () => {
    expect(judge({ update_info: offer }, fresh)).toBeUndefined()
    expect(judge({ update_info: offer }, running(at(releases, 0)))).toBeUndefined()
    expect(judge({ update_info: { is_available: false } }, running(newest))).toBeUndefined()
  })

  test.each([
    ['an older package', { update_info: { ...offer, label: 'v1' } }, fresh, 'expected label'],
    ['another content', { update_info: { ...offer, package_hash: '00' } }, fresh, 'expected package_hash'],
    ['nothing where there is an update', { update_info: { is_available: false } }, fresh, 'expected is_available'],
    ['an update where there is none', { update_info: offer }, running(newest), 'expected is_available'],
    ['nothing that is an answer', 'no', fresh, 'expected is_available'],
  ])('are not answered with %s', (_, answer, device, wrong) => {
    expect(judge(answer, device)).toContain(wrong)
  })
})

test('what is judged beforehand are a fresh device and one of each release', async () => {
  const { releases } = await codePushProtocol()
  expect(oneOfEach(releases).map(({ running }) => (running.kind === 'release' ? running.release.number : 0))).toEqual(
    Array.from({ length: RELEASES + 1 }, (_, index) => index),
  )
})
