import { randomBytes } from 'node:crypto'
import {
  batchOf,
  STORY_DATABASES,
  filesManifestOf,
  sha256Of,
  startServerProcess,
  temporaryDirectory,
  type ServerProcess,
} from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

const ASSETS = 1_000
const BATCH = 100
const AT_ONCE = 4
const BASE = '/apps/shop/api/v1'
const MANAGE = '/manage/v1/apps/shop'

interface Answer {
  status: number
  // The journey looks into answers of every shape.
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any
}

describe.each(STORY_DATABASES)('updates of a thousand assets, on %s', (_name, open) => {
  test('sent through kill -9, published whole or not at all, changed by one asset, widened and taken back', async () => {
    const { env, drop } = await open()
    const directory = await temporaryDirectory()
    const start = () => startServerProcess({ directory, env: { HOTPATCH_LOG_LEVEL: 'warn', ...env } })
    let server: ServerProcess = await start()
    const owner = { authorization: `Bearer ${server.ownerToken}` }
    onTestFinished(async () => {
      await server.stop()
      await drop()
    })
    async function call(
      method: string,
      path: string,
      body?: object | Buffer,
      headers: object = owner,
    ): Promise<Answer> {
      const isForm = body instanceof FormData
      const type = Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json'
      const response = await fetch(server.url + path, {
        method,
        headers: { ...headers, ...(body && !isForm && { 'content-type': type }) },
        ...(body && { body: isForm ? body : Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
    }
    async function restart() {
      await server.stop('SIGKILL')
      server = await start()
    }
    await call('POST', '/manage/v1/apps', {
      slug: 'shop',
      platforms: ['android'],
      checkAccess: 'open',
      deviceIds: 'as-given',
    })

    const files: Record<string, Buffer> = { 'main.js': Buffer.from('start(1)') }
    for (let index = 0; index < ASSETS; index++) files[`assets/${index}.png`] = randomBytes(400 + (index % 50))
    const all = Object.values(files)
    const missing = async (of: readonly Buffer[]): Promise<string[]> => {
      const asked = of.map((bytes) => ({ sha256: sha256Of(bytes), sizeBytes: bytes.length }))
      const { body } = await call('POST', `${MANAGE}/artifacts/missing`, { files: asked })
      return body.missing.map((file: { sha256: string }) => file.sha256)
    }
    const batches = (of: readonly Buffer[]) =>
      Array.from({ length: Math.ceil(of.length / BATCH) }, (_, index) => of.slice(index * BATCH, (index + 1) * BATCH))
    /** @param onSent after each batch that was taken */
    async function send(of: readonly Buffer[], onSent: (batch: readonly Buffer[]) => void = () => undefined) {
      const queue = batches(of).values()
      const work = async () => {
        for (const batch of queue) {
          const { status } = await call('POST', `${MANAGE}/artifacts/batch`, batchOf(batch))
          expect(status).toBe(200)
          onSent(batch)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    }

    // The process is killed while batches are on their way.
    expect(await missing(all)).toHaveLength(all.length)
    const taken: Buffer[] = []
    let killing: Promise<void> | undefined
    await send(all, (batch) => {
      taken.push(...batch)
      if (taken.length >= 3 * BATCH) killing ??= restart()
    }).catch(() => undefined)
    await killing
    expect((await call('GET', `${MANAGE}/releases`)).body.items).toEqual([])
    const left = await missing(all)
    expect(left.length).toBeGreaterThan(0)
    // What was acknowledged is there.
    expect(await missing(taken)).toEqual([])
    const leftKeys = new Set(left)
    await send(all.filter((bytes) => leftKeys.has(sha256Of(bytes))))
    expect(await missing(all)).toEqual([])

    // It is killed while it publishes.
    const manifest = filesManifestOf(files, { launch: 'main.js' })
    const list = { sha256: sha256Of(manifest), sizeBytes: manifest.length }
    expect((await call('PUT', `${MANAGE}/artifacts/${list.sha256}?kind=files`, manifest)).status).toBe(200)
    const update = { version: '1.0.0', platform: 'android', rolloutPercentage: 0, list }
    const cut = call('POST', `${BASE}/updates/publish`, update).catch(() => undefined)
    await restart()
    await cut
    const seen = (await call('GET', `${BASE}/updates`)).body.updates
    expect(seen.length).toBeLessThanOrEqual(1)
    for (const { fileCount } of seen) expect(fileCount).toBe(ASSETS + 1)
    const published = await call('POST', `${BASE}/updates/publish`, update)
    expect([200, 201]).toContain(published.status)
    const { id } = published.body.update
    expect((await call('GET', `${BASE}/updates`)).body.updates).toHaveLength(1)

    // A share of the devices, then all of them.
    const check = async (deviceId: string, more: object = {}) =>
      (
        await call(
          'POST',
          `${BASE}/updates/check`,
          { platform: 'android', deviceId, nativeVersion: '1.0', ...more },
          {},
        )
      ).body
    const devices = Array.from({ length: 100 }, (_, index) => `device-${index}`)
    const offered = async () => {
      const answers = await Promise.all(devices.map((device) => check(device)))
      return answers.flatMap(({ updateAvailable }, index) => (updateAvailable ? [devices[index]] : []))
    }
    const deploy = (body: object) => call('PUT', `${BASE}/deployments/${published.body.deployment.id}`, body)
    expect(await offered()).toEqual([])
    await deploy({ rolloutPercentage: 50 })
    const half = await offered()
    expect(half.length).toBeGreaterThan(20)
    expect(half.length).toBeLessThan(80)
    await deploy({ rolloutPercentage: 100 })
    expect(await offered()).toEqual(expect.arrayContaining(half))
    const answer = await check('device-0')
    const described = await call(
      'GET',
      new URL(answer.update.manifestUrl).pathname.replace('/api', '/apps/shop/api'),
      undefined,
      {},
    )
    expect(described.body.assets).toHaveLength(ASSETS + 1)

    // One asset of a thousand changes: one is sent, and one is fetched.
    const changed = randomBytes(777)
    const next: Record<string, Buffer> = { ...files, 'assets/7.png': changed }
    const wanted = await missing(Object.values(next))
    expect(wanted).toEqual([sha256Of(changed)])
    await send([changed])
    const assets = Object.entries(next).map(([path, bytes]) => ({
      path,
      checksum: sha256Of(bytes),
      size: bytes.length,
    }))
    const second = await call('POST', `${BASE}/updates/publish`, {
      version: '1.0.1',
      platform: 'android',
      launch: 'main.js',
      assets,
    })
    expect(second.status).toBe(201)
    const delta = await check('device-0', { currentUpdateId: id })
    expect(delta.update.delta).toEqual({ from: id, files: 1, bytes: changed.length })
    const fetched = await fetch(delta.update.fileUrl.replace('{sha256}', sha256Of(changed)))
    expect(Buffer.from(await fetched.arrayBuffer()).equals(changed)).toBe(true)

    // The fleet tells, and it goes back.
    const tell = (kind: string, deviceId: string) => {
      const event = { id: `${kind}-${deviceId}`, kind, releaseId: second.body.update.id }
      return call('POST', '/apps/shop/events', { deviceId, platform: 'android', events: [event] }, {})
    }
    for (const kind of ['downloaded', 'applied', 'crashed']) await tell(kind, 'device-0')
    await expect
      .poll(async () => (await call('GET', `${BASE}/stats`)).body)
      .toMatchObject({ totalDownloads: 1, failureRate: 1 })
    const back = await call('POST', `${BASE}/updates/${second.body.update.id}/rollback`, { targetVersion: '1.0.0' })
    expect([back.status, back.body.updateId]).toEqual([201, id])
    await expect
      .poll(() => check('device-1', { currentUpdateId: second.body.update.id }))
      .toMatchObject({ update: { id, direction: 'back', delta: { files: 1 } } })
    await call('POST', `${BASE}/updates/${id}/rollback`, { toEmbedded: true })
    await expect.poll(() => check('device-1', { currentUpdateId: id })).toMatchObject({ rollBackTo: 'embedded' })
    await expect
      .poll(async () => (await call('GET', `${MANAGE}/devices/device-1/explain`)).body)
      .toMatchObject({ decision: { kind: 'embedded' } })
  })
})
