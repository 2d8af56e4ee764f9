import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { systemClock, createNodeCrypto, createNodeHttp } from '@hotpatch/client/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PROJECT, sha256Of, startAssetServer, type AssetServer, type TestUpdate } from '../testing/asset-server.ts'
import { runUpdateProcess, startUpdateProcess } from '../testing/run-update-process.ts'
import type { ManagerState } from './manager-state.ts'
import { OTAUpdateManager, type OTAUpdateOptions, type UpdateManagerPorts } from './ota-update-manager.ts'

let server: AssetServer
let v1: TestUpdate
let v2: TestUpdate
beforeEach(async () => {
  server = await startAssetServer()
  v1 = server.publish('1.0.0', 1, { 'main.js': 'one', 'assets/a.txt': 'the same' })
  v2 = server.publish('1.1.0', 2, { 'main.js': 'two', 'assets/a.txt': 'the same' })
})
afterEach(() => server.stop())

/** An installation: its disk outlives its processes. */
function installation(options: Partial<OTAUpdateOptions> = {}, ports: Partial<UpdateManagerPorts> = {}) {
  const files = createMemoryFiles()
  const told: string[] = []
  const device = {
    told,
    restarts: 0,
    files,
    kinds: [] as string[],
    async boot(): Promise<OTAUpdateManager> {
      const manager = new OTAUpdateManager(
        {
          files,
          http: createNodeHttp(),
          crypto: createNodeCrypto(),
          clock: systemClock(),
          host: {
            nativeVersion: '1.0.0',
            platform: 'linux',
            restart: () => {
              device.restarts += 1
            },
          },
          ...ports,
        },
        {
          serverUrl: server.url,
          projectId: PROJECT,
          channel: 'staging',
          runtimeVersion: '7',
          deviceId: 'device-1',
          publicKeys: [server.publicKey],
          allowInsecure: 'loopback',
          limits: { attempts: 2, backOffMs: 1 },
          onUpdateAvailable: ({ version }) => told.push(`available ${version}`),
          onUpdateReady: ({ version }) => told.push(`ready ${version}`),
          onError: ({ code }) => told.push(`error ${code}`),
          ...options,
        },
      )
      await manager.start()
      manager.subscribe(() => device.kinds.push(manager.state().kind))
      return manager
    },
  }
  return device
}

async function update(manager: OTAUpdateManager): Promise<ManagerState> {
  return manager.downloadAndInstallUpdate(await manager.checkForUpdate())
}

describe('the manager', () => {
  test('finds, fetches and stages; what is staged runs at the next start', async () => {
    const device = installation()
    server.target = v1
    const manager = await device.boot()
    const found = await manager.checkForUpdate()
    expect(found).toEqual({
      kind: 'available',
      isPostponed: false,
      update: {
        id: 'update-1.0.0',
        version: '1.0.0',
        isMandatory: false,
        notes: '• What is new in 1.0.0\n• <b>Nothing</b> is markup',
        expectedBytes: v1.list.length + 11,
      },
    })
    expect(await manager.downloadAndInstallUpdate(found)).toMatchObject({ kind: 'ready', update: { version: '1.0.0' } })
    expect(await manager.applyUpdate()).toBe(true)
    expect(device.restarts).toBe(1)
    expect(device.told).toEqual(['available 1.0.0', 'ready 1.0.0'])
    expect(device.kinds.filter((kind) => kind !== 'downloading')).toEqual(['checking', 'available', 'ready'])
    const next = await device.boot()
    expect(await next.start()).toMatchObject({ kind: 'release', version: '1.0.0' })
    expect(next.appliedUpdate()).toBe(null)
    expect(await next.confirm()).toBe(true)
    expect(next.appliedUpdate()).toBe('1.0.0')
    expect(await next.checkForUpdate()).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
    expect(await next.applyUpdate()).toBe(false)
    await next.flushReports()
    const kinds = server.reports.map(({ kind }) => kind)
    expect(kinds).toEqual(['download-started', 'downloaded', 'applied', 'confirmed'])
  })

  test('tells the server what the contract has', async () => {
    const device = installation()
    server.target = v1
    await update(await device.boot())
    await (await device.boot()).confirm()
    await (await device.boot()).checkForUpdate()
    expect(server.checks.at(-1)).toMatchObject({
      projectId: PROJECT,
      channel: 'staging',
      platform: 'linux',
      runtimeVersion: '7',
      deviceId: 'device-1',
      currentUpdateId: 'update-1.0.0',
      currentVersion: '1.0.0',
      nativeVersion: '1.0.0',
      failedUpdateIds: [],
      highestSequence: 1,
    })
  })

  test('fetches only what changed', async () => {
    const device = installation()
    server.target = v1
    await update(await device.boot())
    await (await device.boot()).confirm()
    server.sent.clear()
    server.target = v2
    expect(await update(await device.boot())).toMatchObject({ kind: 'ready' })
    expect([...server.sent.keys()].toSorted()).toEqual([v2.listSha256, sha256Of(Buffer.from('two'))].toSorted())
  })

  test('rolls back what runs, for good, and reports it', async () => {
    const device = installation()
    for (const target of [v1, v2]) {
      server.target = target
      await update(await device.boot())
      await (await device.boot()).confirm()
    }
    expect(await (await device.boot()).rollBack()).toBe(true)
    const back = await device.boot()
    expect(await back.start()).toMatchObject({ version: '1.0.0' })
    expect(await back.checkForUpdate()).toMatchObject({ kind: 'up-to-date', reason: 'failed-on-this-device' })
    await back.flushReports()
    expect(server.reports.at(-1)).toMatchObject({ kind: 'rolled-back', releaseId: 'update-1.1.0' })
  })

  test('an update that never becomes ready is rolled back by itself', async () => {
    const device = installation()
    server.target = v1
    await update(await device.boot())
    for (let start = 0; start < 2; start += 1) await device.boot()
    expect(await (await device.boot()).start()).toEqual({ kind: 'embedded' })
  })

  test('an order for what the app shipped with is an update like others', async () => {
    const device = installation({ publicKeys: [] })
    server.target = v1
    await update(await device.boot())
    const manager = await device.boot()
    await manager.confirm()
    server.target = 'embedded'
    expect(await update(manager)).toMatchObject({ kind: 'ready', update: { id: null, version: '1.0.0' } })
    expect(await (await device.boot()).start()).toEqual({ kind: 'embedded' })
  })

  test('what cannot be fetched is a state with its code, and is tried again', async () => {
    const device = installation()
    server.target = v1
    const manager = await device.boot()
    server.intercept = ({ url }, response) => {
      if (url !== `/artifacts/${v1.listSha256}`) return false
      response.writeHead(404).end()
      return true
    }
    const failed = await update(manager)
    expect(failed).toMatchObject({ kind: 'failed', code: 'download-failed', isRetryable: true })
    expect(device.told).toEqual(['available 1.0.0', 'error download-failed'])
    server.intercept = () => false
    expect(await manager.downloadAndInstallUpdate(failed)).toMatchObject({ kind: 'ready' })
  })

  test('what a stranger signed is refused', async () => {
    const stranger = await startAssetServer()
    const device = installation({ publicKeys: [stranger.publicKey] })
    await stranger.stop()
    server.target = v1
    expect(await (await device.boot()).checkForUpdate()).toMatchObject({
      kind: 'check-failed',
      code: 'signature-invalid',
    })
  })

  test('later lasts until another update; of a mandatory one there is none', async () => {
    const manager = await installation().boot()
    server.target = v1
    await manager.checkForUpdate()
    manager.later()
    expect(manager.state()).toMatchObject({ kind: 'available', isPostponed: true })
    expect(await manager.checkForUpdate()).toMatchObject({ isPostponed: true })
    server.target = v2
    expect(await manager.checkForUpdate()).toMatchObject({ isPostponed: false })
    server.isMandatory = true
    await manager.checkForUpdate()
    manager.later()
    expect(manager.state()).toMatchObject({ isPostponed: false })
  })

  test('a mistake of the app in what it is told stops nothing', async () => {
    const mistakes: unknown[] = []
    const clock = systemClock()
    const after: typeof clock.after = (ms, run) =>
      clock.after(ms, () => {
        try {
          run()
        } catch (error) {
          mistakes.push(error)
        }
      })
    const device = installation(
      {
        onUpdateReady: () => {
          throw new Error('mine')
        },
      },
      { clock: { ...clock, after } },
    )
    server.target = v1
    expect(await update(await device.boot())).toMatchObject({ kind: 'ready' })
    await expect.poll(() => mistakes).toEqual([new Error('mine')])
  })
})

describe('in the background', () => {
  const BOUNDS = { requestTimeoutMs: 10_000, idleTimeoutMs: 10_000 }

  /** What the network waits for passes by itself; the long waits between checks are written down, and end when told. */
  function watchedClock() {
    const waits: number[] = []
    let run: (() => void) | undefined
    const clock = systemClock()
    return {
      waits,
      next: () => run?.(),
      clock: {
        ...clock,
        random: () => 0.5,
        after(ms: number, then: () => void) {
          if (ms < 20_000) return clock.after(ms, then)
          waits.push(ms)
          run = then
          return () => {
            run = undefined
          }
        },
      },
    }
  }

  test('it is asked again and again, further apart while that fails, and found things are told once', async () => {
    const { clock, waits, next } = watchedClock()
    const device = installation({ checkIntervalMs: 600_000, limits: { attempts: 1, ...BOUNDS } }, { clock })
    const manager = await device.boot()
    server.target = v1
    manager.startBackgroundChecks()
    expect(waits).toEqual([600_000])
    server.intercept = (_request, response) => {
      response.writeHead(500).end()
      return true
    }
    for (const wait of [30_000, 60_000, 120_000, 240_000, 480_000, 600_000]) {
      next()
      await expect.poll(() => waits.at(-1)).toBe(wait)
    }
    server.intercept = () => false
    for (let times = 0; times < 2; times += 1) {
      const before = waits.length
      next()
      await expect.poll(() => waits.length).toBe(before + 1)
    }
    expect(waits.at(-1)).toBe(600_000)
    expect(device.told.filter((line) => line !== 'error check-failed')).toEqual(['available 1.0.0'])
    manager.stopBackgroundChecks()
  })

  test('a server that asks for patience is left alone for so long', async () => {
    const { clock, waits, next } = watchedClock()
    const manager = await installation(
      { checkIntervalMs: 60_000, limits: { attempts: 1, ...BOUNDS } },
      { clock },
    ).boot()
    server.intercept = (_request, response) => {
      response.writeHead(503, { 'retry-after': '900' }).end()
      return true
    }
    manager.startBackgroundChecks()
    next()
    // The wait after the first failure is known only from the second: the server is not even asked.
    await expect.poll(() => waits.length).toBe(2)
    next()
    await expect.poll(() => waits.at(-1)).toBeGreaterThan(800_000)
    manager.stopBackgroundChecks()
  })

  test('it may be fetched at once', async () => {
    const { clock, next } = watchedClock()
    const device = installation({ checkIntervalMs: 60_000, downloadsInBackground: true, limits: BOUNDS }, { clock })
    const manager = await device.boot()
    server.target = v1
    manager.startBackgroundChecks()
    next()
    await expect.poll(() => manager.state()).toMatchObject({ kind: 'ready' })
    manager[Symbol.dispose]()
  })
})

describe('a process that is killed in the middle of a download', () => {
  let directory: string
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hotpatch-assets-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  test('is gone on with by the next one: nothing that came is sent again', async () => {
    const assets = Object.fromEntries(
      Array.from({ length: 1000 }, (_, index) => [`assets/${index % 10}/${index}.txt`, `asset ${index} `.repeat(20)]),
    )
    const big = Buffer.alloc(1_000_000, 'all of the app ')
    const first = server.publish('2.0.0', 3, { ...assets, 'main.js': big })
    server.target = first
    // The large file comes by half, and then nothing.
    const isBig = `/artifacts/${sha256Of(big)}`
    server.intercept = ({ url, headers }, response) => {
      if (url !== isBig || headers.range !== undefined) return false
      response.writeHead(200, { etag: `"${sha256Of(big)}"`, 'content-length': big.length })
      response.write(big.subarray(0, 600_000))
      return true
    }
    const settings = { directory, serverUrl: server.url, projectId: PROJECT, publicKey: server.publicKey }
    const killed = startUpdateProcess(settings)
    const all = first.list.length + [...first.files.values()].reduce((sum, { length }) => sum + length, 0)
    // Everything but the rest of the large file, of which what is less than a quarter of a megabyte is in no file yet.
    await killed.until(({ progress }) => (progress?.receivedBytes ?? 0) >= all - 480_000)
    await killed.kill()
    expect(server.sent.size).toBe(1001)

    server.intercept = () => false
    server.sent.clear()
    const { launched, state } = await runUpdateProcess(settings)
    expect(launched).toEqual({ kind: 'embedded' })
    expect(state).toMatchObject({ kind: 'ready', update: { version: '2.0.0' } })
    expect([...server.sent.keys()]).toEqual([sha256Of(big)])
    expect(server.sent.get(sha256Of(big))).toBeLessThanOrEqual(480_000)

    // One of a thousand changes: its bytes and the list come, nothing else.
    const second = server.publish('2.1.0', 4, { ...assets, 'main.js': big, 'assets/3/3.txt': 'another' })
    server.target = second
    server.sent.clear()
    expect(await runUpdateProcess(settings)).toMatchObject({
      launched: { version: '2.0.0' },
      state: { kind: 'ready', update: { version: '2.1.0' } },
    })
    expect(Object.fromEntries(server.sent)).toEqual({
      [second.listSha256]: second.list.length,
      [sha256Of(Buffer.from('another'))]: 7,
    })

    // It crashes: the next start runs what was good, and that is told.
    expect(await runUpdateProcess({ ...settings, crashes: true })).toMatchObject({ launched: { version: '2.1.0' } })
    expect(await runUpdateProcess(settings)).toMatchObject({
      launched: { version: '2.0.0' },
      state: { kind: 'up-to-date', reason: 'failed-on-this-device' },
    })
    expect(server.reports.map(({ kind, code }) => (code ? `${kind}:${code}` : kind))).toContain('rolled-back:crashed')
    // Five processes, of which each syncs a thousand files.
  })
})
