import type { Downloads } from '@hotpatch/api'
import { unpackBrotli } from '@hotpatch/client/node'
import { EMPTY_TREE } from '@hotpatch/protocol'
import { eventually, filesManifestOf, publishFiles } from '@hotpatch/testkit'
import { describe, expect, test } from 'vitest'
import type { Fleet } from './index.ts'
import { createWorld, DAY_MS, offerOf, START } from './testing/world-suite.ts'

/** Not more often than a device may ask. */
const CHECK_EVERY_MS = 400

function statesOf(fleet: Fleet) {
  const { devices } = fleet.figures()
  return Array.from({ length: devices }, (_, index) => fleet.device(index))
}

describe('a fleet', () => {
  test('takes a release as real devices do: checked, downloaded, applied, confirmed', async () => {
    const { fleet, publish, server, app } = await createWorld()
    await fleet.run({ durationMs: DAY_MS })
    expect(fleet.figures()).toMatchObject({ versions: { embedded: 30 }, downloads: 0 })
    await publish('1.0.0')
    await fleet.run({ durationMs: DAY_MS })
    expect(fleet.figures()).toMatchObject({
      versions: { '1.0.0': 30 },
      downloads: 30,
      staged: 30,
      confirmed: 30,
      crashes: 0,
    })
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/devices?limit=200`)
    expect(body.items).toHaveLength(30)
    expect(new Set(body.items.map((device: { currentVersion: string }) => device.currentVersion))).toEqual(
      new Set(['1.0.0']),
    )
  })

  test('is the same for the same seed, request for request, and another for another', async () => {
    const live = async (seed: string) => {
      const profile = {
        offlineRate: 0.2,
        brokenDownloadRate: 0.3,
        skewedRate: 0.1,
        crashRate: (version: string) => (version === '1.1.0' ? 0.4 : 0),
        nativeVersions: ['1.0', '1.1'],
        nativeUpdateRate: 0.02,
        uninstallRate: 0.01,
      }
      const { fleet, publish, requests } = await createWorld({ seed, profile, concurrency: 7 })
      await publish('1.0.0')
      await fleet.run({ durationMs: DAY_MS })
      await publish('1.1.0')
      await fleet.run({ durationMs: DAY_MS })
      // The server's own ids differ from run to run.
      const asked = requests.map(({ index, method, url, body }) => ({
        index,
        method,
        path: url.replace(/artifacts\/.*/, 'artifacts'),
        body: Buffer.from(body ?? [])
          .toString()
          .replaceAll(/"(appId|releaseId|heldReleaseId)":"[^"]*"/g, '"$1":""')
          .replaceAll(/"trustedKeys":\["[^\]]*\]/g, '"trustedKeys":["…"]')
          .replaceAll(/"failedReleaseIds":\["[^\]]*\]/g, '"failedReleaseIds":["…"]'),
      }))
      const states = statesOf(fleet).map(({ releaseId: _, ...state }) => state)
      return { asked, states, figures: fleet.figures() }
    }
    const [first, second, other] = [await live('a'), await live('a'), await live('b')]
    expect(first.asked.length).toBeGreaterThan(200)
    expect(second).toEqual(first)
    expect(other.asked).not.toEqual(first.asked)
    expect(first.figures.crashes).toBeGreaterThan(0)
    expect(first.figures.uninstalled).toBeGreaterThan(0)
  })

  test.each(['per-device', 'per-start'] as const)(
    'on which a release always crashes (%s) ends without it',
    async (crashes) => {
      const { fleet, publish, offers } = await createWorld({
        profile: { crashes, crashRate: (version) => (version === '1.1.0' ? 1 : 0), noticedCrashRate: 0.5 },
      })
      await publish('1.0.0')
      await fleet.run({ durationMs: DAY_MS })
      const bad = await publish('1.1.0')
      await fleet.run({ durationMs: 2 * DAY_MS })
      const { versions, crashes: count, rolledBack } = fleet.figures()
      expect(versions).toEqual({ '1.0.0': 30 })
      expect(rolledBack).toBe(30)
      expect(count).toBeGreaterThan(30)
      expect(count).toBeLessThanOrEqual(60)
      // Nobody is offered it again.
      const ofBad = [...offers].filter(([offer]) => offer.endsWith(bad.releaseId))
      expect(ofBad).toHaveLength(30)
      expect(ofBad.every(([, count]) => count === 1)).toBe(true)
    },
  )

  test('never runs what it was not offered', async () => {
    const { fleet, publish, offers } = await createWorld({
      devices: 60,
      profile: { offlineRate: 0.3, brokenDownloadRate: 0.3, crashRate: () => 0.2, crashes: 'per-start' },
    })
    for (const [version, percentage] of [
      ['1.0.0', 100],
      ['1.1.0', 40],
      ['1.2.0', 20],
    ] as const) {
      await publish(version, { percentage })
      await fleet.run({
        durationMs: DAY_MS,
        onProgress: () => {
          for (const { id, releaseId } of statesOf(fleet)) {
            if (releaseId === null) continue
            if (!offers.has(offerOf(id, releaseId))) expect.unreachable(`${id} runs ${releaseId}`)
          }
        },
      })
    }
    const { versions, downloads } = fleet.figures()
    expect(Object.keys(versions).length).toBeGreaterThan(2)
    expect(downloads).toBeGreaterThan(60)
  })

  test('whose downloads break off goes on with them later', async () => {
    const { fleet, publish, server, app } = await createWorld({ profile: { brokenDownloadRate: 0.6 } })
    await publish('1.0.0')
    await fleet.run({ durationMs: 4 * DAY_MS })
    const { versions, failures, downloadedBytes } = fleet.figures()
    expect(versions).toEqual({ '1.0.0': 30 })
    expect(Object.keys(failures)).toContain('download-failed')
    // Nothing came twice.
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/releases`)
    expect(downloadedBytes).toBe(30 * body.items[0].content.sizeBytes)
  })

  test('whose updates are files fetches of each what it does not have, the same for the same seed', async () => {
    const first = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`assets/${index}`, `asset ${index}`]))
    const second = { ...first, 'assets/7': 'another one' }
    const live = async (seed: string) => {
      const profile = { brokenDownloadRate: 0.3, offlineRate: 0.1 }
      const world = await createWorld({ devices: 6, seed, kind: 'files', publicKeys: [], profile })
      const { fleet, server, app, requests } = world
      const downloadedFor = async (version: string, files: Record<string, string>) => {
        await publishFiles(server, app, { files, platform: 'android', version })
        const { downloadedBytes } = fleet.figures()
        await fleet.run({ durationMs: 4 * DAY_MS })
        expect(fleet.figures().versions).toEqual({ [version]: 6 })
        return fleet.figures().downloadedBytes - downloadedBytes
      }
      const bytes = [await downloadedFor('1.0.0', first), await downloadedFor('1.1.0', second)]
      return { bytes, figures: fleet.figures(), asked: requests.map(({ index, method }) => `${index} ${method}`) }
    }
    const [one, again, other] = [await live('a'), await live('a'), await live('b')]
    expect(again).toEqual(one)
    expect(other.asked).not.toEqual(one.asked)
    const listBytes = (files: Record<string, string>) => filesManifestOf(files).length
    const all = Object.values(first).reduce((total, { length }) => total + length, 0)
    // Also what broke off: nothing came twice.
    expect(one.bytes).toEqual([6 * (listBytes(first) + all), 6 * (listBytes(second) + 'another one'.length)])
    expect(Object.keys(one.figures.failures)).toContain('download-failed')
  })

  test('takes patches where there are some, and shows what that saves, the same for the same seed', async () => {
    /** Like a bundle: long, alike from one release to the next, and nothing that deflate packs best. */
    const filesOf = (version: string) => {
      const code = Array.from({ length: 3_000 }, (_, line) => `d(${line},${(line * 7919) % 10_007});`)
      return { 'index.android.bundle': [...code, version].join('\n'), 'assets/more.js': code.slice(99).join('\n') }
    }
    const live = async () => {
      const { fleet, publish, server, app } = await createWorld({
        patches: true,
        unpackBrotli,
        filesOf,
        env: { HOTPATCH_PATCH_BASES: '1', HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' },
        devices: 10,
      })
      /** What the server makes later, the fleet would find sooner or later. */
      const offered = (told: object) =>
        eventually(
          async () => {
            const { body } = await server.check(app, { patches: ['hpdelta1-br'], version: '1', ...told })
            expect(body.patch?.baseTree === EMPTY_TREE).toBe(!('releaseId' in told))
            expect(body).toHaveProperty('patch')
          },
          { everyMs: CHECK_EVERY_MS },
        )
      const first = await publish('1.0.0')
      await offered({})
      await fleet.run({ durationMs: DAY_MS })
      await publish('1.1.0')
      await offered({ releaseId: first.releaseId })
      await fleet.run({ durationMs: DAY_MS })
      await server.tick()
      const path = `/manage/v1/apps/${app.slug}/insights/downloads?from=${new Date(START).toISOString()}`
      return { figures: fleet.figures(), insights: (await server.request('GET', path)).body as Downloads }
    }
    const [{ figures, insights }, again] = [await live(), await live()]
    expect(again.figures).toEqual(figures)
    expect(figures.arrivals).toEqual({ whole: 0, patch: 10, packed: 10, failedPatches: 0 })
    expect(figures.receivedBytes).toBeLessThan(figures.fullBytes / 2)
    const { fullBytes, receivedBytes } = figures
    const told = { fullBytes, toldBytes: receivedBytes, savedBytes: fullBytes - receivedBytes }
    expect(insights).toMatchObject({ ...told, patches: { patched: 10, packed: 10, savedBytes: told.savedBytes } })
  })

  test('that only asks takes every answer, without an engine', async () => {
    const { fleet, publish, requests } = await createWorld({ devices: 200, checksOnly: true })
    await publish('1.0.0', { percentage: 50 })
    await fleet.run({ durationMs: DAY_MS })
    const { versions, checks, downloads } = fleet.figures()
    expect(versions['1.0.0']).toBeGreaterThan(70)
    expect(versions['1.0.0']).toBeLessThan(130)
    expect(checks).toBe(requests.length)
    expect(downloads).toBe(0)
  })
})
