import { join } from 'node:path'
import { openWatchedLine, sha256Of, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { runUpdateProcess, startUpdateProcess } from '../packages/asset-updates/src/testing/run-update-process.ts'

// What a device does is the same on every database: asset-updates-journey.test.ts has the server's side on both.
describe('updates by assets, with the manager in processes of its own', () => {
  test('published, killed in the middle and gone on with, one of a thousand changed, a bad one rolled back', async () => {
    const directory = await temporaryDirectory()
    const proxy = await openWatchedLine()
    const server = await startServerProcess({
      directory: join(directory, 'data'),
      env: { HOTPATCH_PUBLIC_URL: proxy.url, HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' },
    })
    // What it says that it listens on is the address that devices are told.
    const [, address = ''] = /Server listening at (http[^\s"]+)/.exec(server.output()) ?? []
    proxy.leadTo(address)
    onTestFinished(async () => {
      proxy.stop()
      await server.stop()
    })

    async function call(method: string, path: string, body?: object) {
      const isForm = body instanceof FormData
      const response = await fetch(address + path, {
        method,
        headers: {
          authorization: `Bearer ${server.ownerToken}`,
          // Devices take their time in between, and the server ends what is idle.
          connection: 'close',
          ...(body && !isForm && { 'content-type': 'application/json' }),
        },
        ...(body && { body: isForm ? body : JSON.stringify(body) }),
      })
      const answer = (await response.json()) as Record<string, unknown>
      if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
      return answer
    }
    await call('POST', '/manage/v1/apps', { slug: 'lumora', platforms: ['linux'], checkAccess: 'open' })

    async function publish(version: string, files: Record<string, Buffer>): Promise<string> {
      const { missing } = (await call('POST', '/manage/v1/apps/lumora/artifacts/missing', {
        files: Object.values(files).map((bytes) => ({ sha256: sha256Of(bytes), sizeBytes: bytes.length })),
      })) as { missing: { sha256: string }[] }
      const wanted = new Set(missing.map(({ sha256 }) => sha256))
      const lacking = Object.values(files).filter((bytes) => wanted.has(sha256Of(bytes)))
      for (let at = 0; at < lacking.length; at += 200) {
        const form = new FormData()
        for (const bytes of lacking.slice(at, at + 200)) {
          form.append(sha256Of(bytes), new Blob([Uint8Array.from(bytes)]), 'file')
        }
        await call('POST', '/manage/v1/apps/lumora/artifacts/batch', form)
      }
      const assets = Object.entries(files).map(([path, bytes]) => ({
        path,
        checksum: sha256Of(bytes),
        size: bytes.length,
      }))
      const answer = await call('POST', '/apps/lumora/api/v1/updates/publish', {
        version,
        platform: 'all',
        channel: 'production',
        message: `Version ${version}`,
        launch: 'main.js',
        assets,
      })
      return (answer.update as { id: string }).id
    }

    const first: Record<string, Buffer> = { 'main.js': Buffer.from('run(1)') }
    for (let index = 1; index < 1000; index += 1) {
      first[`assets/${index % 20}/${index}.txt`] = Buffer.from(`asset ${index} of lumora\n`.repeat(40))
    }
    await publish('1.0.0', first)
    const all = Object.values(first).reduce((sum, { length }) => sum + length, 0)
    const device = {
      directory: join(directory, 'device'),
      serverUrl: proxy.url,
      projectId: 'lumora',
      publicKey: '',
    }

    // Killed when more than half of it is there: what was whole is not sent again.
    const killed = startUpdateProcess(device)
    await killed.until(({ progress }) => progress !== undefined && progress.receivedBytes > progress.totalBytes * 0.6)
    await killed.kill()
    const before = new Set(proxy.sent.keys())
    expect(before.size).toBeLessThan(1001)
    proxy.sent.clear()
    const gone = await runUpdateProcess(device)
    expect(gone).toMatchObject({
      launched: { kind: 'embedded' },
      state: { kind: 'ready', update: { version: '1.0.0' } },
    })
    // Four were on their way when it was killed, and whatever it had not told yet.
    const again = [...proxy.sent.keys()].filter((sha256) => before.has(sha256))
    expect(again.length).toBeLessThan(before.size / 10)
    const rest = [...proxy.sent.values()].reduce((sum, bytes) => sum + bytes, 0)
    expect(rest).toBeGreaterThan(0)
    expect(rest).toBeLessThan(all * 0.55)

    // One of a thousand changes.
    const second = { ...first, 'assets/7/7.txt': Buffer.from('another one') }
    await publish('1.1.0', second)
    proxy.sent.clear()
    expect(await runUpdateProcess(device)).toMatchObject({
      launched: { kind: 'release', version: '1.0.0' },
      state: { kind: 'ready', update: { version: '1.1.0', notes: 'Version 1.1.0' } },
    })
    const [list, ...changed] = [...proxy.sent].toSorted(([, a], [, b]) => b - a)
    expect(changed).toEqual([[sha256Of(Buffer.from('another one')), 11]])
    expect(list?.[1]).toBeGreaterThan(100_000)

    // A bad one: it crashes, the device goes back by itself and says so; nobody offers it the same again.
    expect(await runUpdateProcess(device)).toMatchObject({ launched: { version: '1.1.0' } })
    const bad = await publish('1.2.0', { ...second, 'main.js': Buffer.from('throw 1') })
    expect(await runUpdateProcess(device)).toMatchObject({
      launched: { version: '1.1.0' },
      state: { kind: 'ready', update: { id: bad } },
    })
    expect(await runUpdateProcess({ ...device, crashes: true })).toMatchObject({ launched: { version: '1.2.0' } })
    expect(await runUpdateProcess(device)).toMatchObject({
      launched: { version: '1.1.0' },
      state: { kind: 'up-to-date' },
    })
    await expect
      .poll(() => call('GET', '/apps/lumora/api/v1/stats'), { interval: 500 })
      .toMatchObject({ totalDownloads: 3, rollbackCount: 1 })
  })
})
