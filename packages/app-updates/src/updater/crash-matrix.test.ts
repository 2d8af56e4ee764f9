import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Host } from '../ground/ports.ts'
import { createNodeSha256 } from '@hotpatch/device-ground/node'
import { createEagerClock } from '../testing/eager-clock.ts'
import { createMemoryPart, type MemoryPart } from '../testing/memory-part.ts'
import { createAppUpdater } from './updater.ts'

const BYTES = Uint8Array.from({ length: 1_200_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const ANSWER = JSON.stringify({
  update_available: true,
  latest_version: '1.1.0+2',
  download_url: 'https://cdn.example.com/app.apk',
  file_size: BYTES.length,
  checksum: SHA256,
  file_name: 'app.apk',
})

/** A server with ranges, whose connections break after 500,000 bytes. */
const http: Host['http'] = {
  open({ method, headers }) {
    const [, from = '0'] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
    const offset = Number(from)
    const body = async function* () {
      for (let at = offset; at < Math.min(BYTES.length, offset + 500_000); at += 100_000) {
        yield BYTES.slice(at, Math.min(BYTES.length, at + 100_000))
      }
    }
    const answer = async function* () {
      yield new TextEncoder().encode(ANSWER)
    }
    const range = { 'content-range': `bytes ${offset}-${BYTES.length - 1}/${BYTES.length}` }
    const response =
      method === 'POST'
        ? { status: 200, headers: {}, body: answer() }
        : { status: offset > 0 ? 206 : 200, headers: { etag: '"v1"', ...(offset > 0 && range) }, body: body() }
    return { response: Promise.resolve(response), abort: () => {} }
  },
}

interface Life {
  part: MemoryPart
  handedOver: number
}

/** One process: check, download, install; whatever is handed over is looked at. */
async function live(life: Life): Promise<string> {
  const { part } = life
  const host: Host = {
    http,
    part,
    sha256: createNodeSha256,
    clock: createEagerClock(),
    installer: {
      async handOver({ sha256 }) {
        const found = part.revealed()
        expect(
          createHash('sha256')
            .update(found?.bytes ?? '')
            .digest('hex'),
        ).toBe(sha256)
        life.handedOver += 1
      },
    },
  }
  const updater = createAppUpdater(host, {
    serverUrl: 'https://updates.example.com',
    platform: 'android',
    installedVersion: '1.0.0+1',
  })
  await updater.check()
  await updater.download()
  return (await updater.install()).kind
}

async function countChanges(): Promise<number> {
  const life: Life = { part: createMemoryPart(), handedOver: 0 }
  expect(await live(life)).toBe('handed-over')
  return life.part.changes()
}

const changes = await countChanges()
const positions = Array.from({ length: changes }, (_, index) => index + 1)

test('there are places to be disturbed at', () => expect(changes).toBeGreaterThan(10))

describe.each(['best', 'worst', 'zeros'] as const)(
  'the power goes at every change of the disk (%s case)',
  (survival) => {
    test.each(positions)(
      'at %i: what is handed over is whole, and the next process comes to its end',
      async (stopAt) => {
        const life: Life = { part: createMemoryPart(), handedOver: 0 }
        life.part.cutAt(stopAt)
        await live(life)
        expect(life.part.hasStopped()).toBe(true)
        expect(life.handedOver).toBe(0)
        expect(isNothingOrPart(life.part)).toBe(true)
        life.part = life.part.restart(survival)
        expect(await live(life)).toBe('handed-over')
        expect(life.handedOver).toBe(1)
      },
    )

    test.each(positions)('at %i, and again while the next process goes on', async (stopAt) => {
      for (const again of [1, 2, 3, 5, 8]) {
        const life: Life = { part: createMemoryPart(), handedOver: 0 }
        life.part.cutAt(stopAt)
        await live(life)
        life.part = life.part.restart(survival)
        life.part.cutAt(again)
        await live(life)
        if (life.part.hasStopped()) life.part = life.part.restart('worst')
        else life.part.cutAt(Infinity)
        expect(await live(life)).toBe('handed-over')
      }
    })

    test('after it was handed over, and the user did not go through with it', async () => {
      for (let stopAt = 1; ; stopAt += 1) {
        const life: Life = { part: createMemoryPart(), handedOver: 0 }
        await live(life)
        life.part.cutAt(stopAt)
        await live(life)
        const isOver = !life.part.hasStopped()
        life.part = life.part.restart(survival)
        expect(await live(life)).toBe('handed-over')
        if (isOver) return expect(stopAt).toBeGreaterThan(2)
      }
    })
  },
)

/** Nothing has a name before it was verified: then it is whole. */
function isNothingOrPart(part: MemoryPart): boolean {
  const revealed = part.revealed()
  return revealed === undefined || createHash('sha256').update(revealed.bytes).digest('hex') === SHA256
}
