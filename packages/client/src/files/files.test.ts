import { describe, expect, test } from 'vitest'
import { createDevice, type Device } from '../testing/device.ts'
import { chunked, createFakeServer, SERVER, serveRange, type FakeServer } from '../testing/fake-server.ts'
import { createPublisher, sha256Of, type PublishedRelease } from '../testing/publisher.ts'

const publisher = createPublisher('files')
const many = (count: number, changed: Record<string, string> = {}) => ({
  ...Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`assets/${index % 7}/${index}.txt`, `text ${index}`]),
  ),
  'main.js': 'run()'.repeat(300),
  ...changed,
})
const v1 = publisher.publish({ version: '1.0.0', sequence: 1, files: many(100) })
const changed = { 'assets/3/10.txt': 'another text', 'assets/new.txt': 'new', 'assets/new-too.txt': 'new' }
const v2 = publisher.publish({ version: '1.1.0', sequence: 2, files: many(100, changed) })
const v3 = publisher.publish({ version: '1.2.0', sequence: 3, files: many(100, { ...changed, 'main.js': 'run()' }) })
const all = [v1, v2, v3]

function deviceOf(server: FakeServer): Device {
  return createDevice({ server, publicKeys: [publisher.publicKey] })
}

/** A device that runs 1.0.0, confirmed. */
async function runningDevice() {
  const server = createFakeServer()
  const device = deviceOf(server)
  server.target = { release: v1 }
  await device.boot()
  await device.engine.sync()
  await device.boot()
  await device.engine.confirm()
  await device.engine.flushReports()
  server.requests.length = 0
  server.reports.length = 0
  return { server, device }
}

const fetched = (server: FakeServer) => server.downloads().map(({ url }) => url.replace(`${SERVER}/artifacts/`, ''))
const digestOf = (release: PublishedRelease, path: string) => sha256Of(release.files.get(path) ?? expect.unreachable())
const missing = [v2.sha256, digestOf(v2, 'assets/3/10.txt'), digestOf(v2, 'assets/new.txt')]

describe('a release of files', () => {
  test('fetches what the device does not have, and the same bytes once', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: v2 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server).toSorted()).toEqual(missing.toSorted())
    expect(server.reports.at(-1)).toMatchObject({
      kind: 'downloaded',
      receivedBytes: v2.bundle.length + 'another text'.length + 'new'.length,
    })
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('says which file is run first, also after it went back', async () => {
    const { server, device } = await runningDevice()
    const publish = (version: string, sequence: number, launch: string) =>
      publisher.publish({ version, sequence, launch, files: many(3, { [launch]: `run ${version}` }) })
    const [first, second] = [publish('2.0.0', 5, 'first.js'), publish('2.1.0', 6, 'second.js')]
    server.target = { release: first }
    await device.engine.sync()
    expect(await device.boot()).toMatchObject({ version: '2.0.0', launch: 'first.js' })
    await device.engine.confirm()
    server.target = { release: second }
    await device.engine.sync()
    expect(await device.boot()).toMatchObject({ version: '2.1.0', launch: 'second.js' })
    await device.engine.crashed()
    expect(await device.boot()).toMatchObject({ version: '2.0.0', launch: 'first.js' })
    server.target = { release: publisher.publish({ version: '2.2.0', sequence: 7, files: many(3) }) }
    await device.engine.sync()
    expect(await device.boot()).not.toHaveProperty('launch')
  })

  test('takes from ota/previous what ota/bundle does not have', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: v3 }
    await device.engine.sync()
    await device.boot()
    await device.engine.confirm()
    server.requests.length = 0
    // Its main.js is that of 1.0.0.
    server.target = { release: publisher.publish({ version: '1.3.0', sequence: 4, files: many(100, changed) }) }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(server.downloads()).toHaveLength(1)
  })

  test('a damaged copy is fetched instead', async () => {
    const { server, device } = await runningDevice()
    await device.disk().write('ota/bundle/assets/0/0.txt', new Uint8Array(6))
    server.target = { release: v2 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server).toSorted()).toEqual([...missing, digestOf(v2, 'assets/0/0.txt')].toSorted())
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('a copy that cannot be read is fetched instead', async () => {
    const { server, device } = await runningDevice()
    const disk = device.disk()
    const readRange: typeof disk.readRange = async (path, offset, length) => {
      if (path === 'ota/bundle/main.js') throw Object.assign(new Error('input/output error'), { code: 'EIO' })
      return disk.readRange(path, offset, length)
    }
    server.target = { release: v2 }
    await device.boot({ ...disk, readRange })
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toContain(digestOf(v2, 'main.js'))
  })

  test('tells its progress in bytes of what is fetched', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: v3 }
    const shown: [number, number][] = []
    device.engine.subscribe((event) => {
      if (event.type === 'progress') shown.push([event.receivedBytes, event.sizeBytes])
    })
    await device.engine.sync()
    const total = v3.bundle.length + 'another text'.length + 'new'.length + 'run()'.length
    expect(shown.at(0)).toEqual([v3.bundle.length, total])
    expect(shown.at(-1)).toEqual([total, total])
    expect(shown.map(([received]) => received)).toEqual(shown.map(([received]) => received).toSorted((a, b) => a - b))
  })

  test('thousands of files, some at a time', async () => {
    const server = createFakeServer()
    const device = deviceOf(server)
    const big = publisher.publish({ version: '2.0.0', sequence: 9, files: many(5000) })
    let [open, most] = [0, 0]
    const { http } = server
    server.http = {
      open(request) {
        open += 1
        most = Math.max(most, open)
        const exchange = http.open(request)
        const response = exchange.response.finally(() => {
          open -= 1
        })
        return { ...exchange, response }
      },
    }
    server.target = { release: big }
    await device.boot()
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(device.identify(await device.boot(), [big])).toBe('2.0.0')
    expect(most).toBe(4)
    expect(server.downloads()).toHaveLength(5002)
  })
})

describe('a release of files that was interrupted', () => {
  /** Its main.js is large, and breaks off in the middle of every attempt. */
  const breakOff = (server: FakeServer, release: PublishedRelease) => {
    const bytes = release.files.get('main.js') ?? expect.unreachable()
    server.intercept = (request) => {
      if (!request.url.endsWith(sha256Of(bytes))) return undefined
      const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0)
      return { ...serveRange(bytes, request), body: chunked(bytes.subarray(from), 150, 300) }
    }
  }
  const large = publisher.publish({
    version: '1.4.0',
    sequence: 5,
    files: many(100, { ...changed, 'main.js': 'another'.repeat(300) }),
  })

  test('goes on with what came, file by file, in the next process', async () => {
    const { server, device } = await runningDevice()
    const bytes = large.files.get('main.js') ?? expect.unreachable()
    server.target = { release: large }
    breakOff(server, large)
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed' })
    server.intercept = () => undefined
    server.requests.length = 0
    expect(device.identify(await device.boot(), all)).toBe('1.0.0')
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual([sha256Of(bytes)])
    expect(server.downloads()[0]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
    expect(device.identify(await device.boot(), [...all, large])).toBe('1.4.0')
  })

  test('leaves to another release what came of it', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: large }
    breakOff(server, large)
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed' })
    server.intercept = () => undefined
    server.requests.length = 0
    server.target = { release: v2 }
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual([v2.sha256])
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('leaves what was staged before as it was', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: v2 }
    await device.engine.sync()
    server.target = { release: large }
    breakOff(server, large)
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed' })
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('one file that is not what it should be is fetched again, and nothing else', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: v2 }
    server.intercept = ({ url }) =>
      url.endsWith(digestOf(v2, 'assets/new.txt')) ? { status: 200, body: new Uint8Array(3) } : undefined
    expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'hash-mismatch' })
    expect(device.identify(await device.boot(), all)).toBe('1.0.0')
    server.intercept = () => undefined
    server.requests.length = 0
    expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    expect(fetched(server)).toEqual([digestOf(v2, 'assets/new.txt')])
    expect(device.identify(await device.boot(), all)).toBe('1.1.0')
  })

  test('nothing is left over beside what is staged', async () => {
    const { server, device } = await runningDevice()
    server.target = { release: large }
    breakOff(server, large)
    await device.engine.sync()
    server.intercept = () => undefined
    server.target = { release: v2 }
    await device.engine.sync()
    const left = [...(device.disk().tree('ota/pending') ?? [])].filter(([path]) => !path.startsWith('files/'))
    expect(left).toEqual([])
  })
})
