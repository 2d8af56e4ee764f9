import { describe, expect, test } from 'vitest'
import { retryAfter } from '@hotpatch/device-ground'
import { createDevice, type Device } from '../testing/device.ts'
import { chunked, createFakeServer, type FakeServer } from '../testing/fake-server.ts'
import { createPublisher } from '../testing/publisher.ts'

const publisher = createPublisher()
const release = publisher.publish({ version: '1.0.0', sequence: 10 })
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What somebody, or the network, does to the clock while the engine waits. */
const SETTINGS = [
  ['is left alone', 0],
  ['is set back a day', -DAY],
  ['is set back a year', -365 * DAY],
  ['is put forward an hour', HOUR],
  ['is put forward a year', 365 * DAY],
] as const

async function running(): Promise<{ server: FakeServer; device: Device }> {
  const server = createFakeServer()
  const device = createDevice({ server, publicKeys: [publisher.publicKey] })
  server.target = { release }
  await device.boot()
  return { server, device }
}

function pass({ clock }: Device, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(ms, resolve)
  })
}

describe.each(SETTINGS)('the clock %s', (_, byMs) => {
  test.each(['60', 'Thu, 01 Jan 2026 00:01:00 GMT'])(
    'while the server wants patience (%s): as long as it said',
    async (text) => {
      const { server, device } = await running()
      server.intercept = () => ({ status: 429, headers: { 'retry-after': text } })
      await device.engine.check()
      const asked = server.requests.length
      server.intercept = () => undefined
      device.clock.set(byMs)
      await pass(device, MINUTE - 1_000)
      expect(await device.engine.check()).toMatchObject({ kind: 'failed', error: { retryAfterMs: 1_000 } })
      expect(server.requests).toHaveLength(asked)
      await pass(device, 1_000)
      expect(await device.engine.check()).toMatchObject({ kind: 'available' })
    },
  )

  test('between two attempts at a check: they follow each other as ever', async () => {
    const { server, device } = await running()
    server.intercept = () => {
      device.clock.set(byMs)
      return { status: 500 }
    }
    await device.engine.check()
    expect(device.clock.waits().slice(-4)).toEqual([500, 1000, 2000, 4000])
  })

  test('during a download: it goes on to its end', async () => {
    const { server, device } = await running()
    server.intercept = ({ method }) => {
      if (method !== 'GET') return undefined
      const body = (async function* () {
        for await (const chunk of chunked(release.bundle)) {
          device.clock.set(byMs / 3)
          yield chunk
        }
      })()
      return { status: 200, headers: { etag: '"a"' }, body }
    }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.downloads()).toHaveLength(1)
  })

  test('during a download that never ends: it is given up after half an hour', async () => {
    const { server, device } = await running()
    const startedAt = device.clock.elapsed()
    server.intercept = ({ method }) => {
      if (method !== 'GET') return undefined
      const body = (async function* () {
        for (;;) {
          await pass(device, 20_000)
          device.clock.set(byMs / 10)
          yield new Uint8Array(1)
        }
      })()
      return { status: 200, headers: { etag: '"a"' }, body }
    }
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-timeout' })
    const tookMs = device.clock.elapsed() - startedAt
    expect(tookMs).toBeGreaterThanOrEqual(29 * MINUTE)
    expect(tookMs).toBeLessThanOrEqual(31 * MINUTE)
  })

  test('during a silence: it is broken off after its time', async () => {
    const { server, device } = await running()
    server.http = {
      open: () => {
        device.clock.set(byMs)
        return { response: new Promise(() => undefined), abort: () => undefined }
      },
    }
    await device.boot()
    await device.engine.check()
    expect(new Set(device.clock.waits().filter((ms) => ms >= 10_000))).toEqual(new Set([30_000]))
  })
})

test('a date to wait for is the server’s, and compared with the server’s own', () => {
  const headers = { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }
  expect(retryAfter(headers, Date.UTC(2030, 0, 1), HOUR)).toBe(MINUTE)
  expect(retryAfter(headers, Date.UTC(1970, 0, 1), HOUR)).toBe(MINUTE)
})
