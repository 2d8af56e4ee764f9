import { describe, expect, test } from 'vitest'
import type { EngineConfig } from '../ground/settings.ts'
import { createDevice } from './device.ts'
import { chunked, createFakeServer, SERVER, serveRange, type FakeResponse, type FakeServer } from './fake-server.ts'
import { createHostileRows } from './hostile-rows.ts'
import { sha256Of, type PublishedRelease, type TestedKind } from './publisher.ts'

/** Engine §4 and §5 for one kind of content: whatever a network or a server may do. */
export function describeHostileMatrix(kind: TestedKind): void {
  const { publisher, good, update, mend, FILES, answer, archive, listed, rows } = createHostileRows(kind)
  const all = [good, update, mend]

  /** A device that runs 1.0.0, confirmed, and has told everything it had to tell. */
  async function runningDevice(config: Partial<EngineConfig> = {}) {
    const server = createFakeServer()
    const device = createDevice({ server, publicKeys: [publisher.publicKey], config })
    server.target = { release: good }
    await device.boot()
    await device.engine.sync()
    await device.boot()
    await device.engine.confirm()
    await device.engine.flushReports()
    server.reports.length = 0
    server.requests.length = 0
    return { server, device }
  }

  describe('never applied, reported with its code, and the old release still runs', () => {
    test.each(rows)('$name', async ({ attack, code, isReported = true, downloads }) => {
      const { server, device } = await runningDevice({ limits: { unpackedBytes: 2_000_000, fileCount: 100 } })
      server.target = { release: update }
      attack(server, device)
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code })
      expect(server.downloads().length > 0 ? 'some' : 'none').toBe(downloads)
      expect(device.engine.status()).toMatchObject({ staged: null, highWater: 10, floor: 8 })
      expect(device.identify(await device.boot(), all)).toBe('1.0.0')
      await device.engine.sync()
      expect(device.identify(await device.boot(), all)).toBe('1.0.0')

      server.intercept = () => undefined
      server.tamper = (unchanged) => unchanged
      device.clock.after(3_600_000, () => undefined)
      await new Promise<void>((resolve) => {
        device.clock.after(3_600_000, resolve)
      })
      await device.engine.flushReports()
      const told = server.kinds().filter((kind) => kind !== 'rolled-back' && kind !== 'download-started')
      const kind = code.startsWith('download-') ? 'download-failed' : 'failed'
      expect(new Set(told)).toEqual(new Set(isReported ? [`${kind}:${code}`] : []))
      expect(server.kinds().filter((kind) => kind === 'download-started')).toHaveLength(downloads === 'some' ? 1 : 0)
      // Nothing of it stands in the way of a good release.
      server.target = { release: mend }
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
      expect(device.identify(await device.boot(), all)).toBe('1.2.0')
    })

    test('what is refused for good is downloaded once, and reported once', async () => {
      const { server, device } = await runningDevice()
      const attack = kind === 'archive' ? archive([{ name: '../evil' }]) : listed([{ ...FILES[0], path: '../evil' }])
      attack(server)
      for (let start = 0; start < 3; start += 1) {
        // The server forgets what it was told.
        server.tamper = () => offerOf(server.target)
        await device.engine.sync()
        await device.boot()
      }
      await device.engine.flushReports()
      expect(server.downloads()).toHaveLength(1)
      expect(server.kinds()).toEqual([
        'download-started',
        kind === 'archive' ? 'failed:archive-invalid' : 'failed:files-invalid',
      ])
    })

    test('a full disk: from any write of the download on', async () => {
      for (let fullAt = 1; fullAt < 120; fullAt += 1) {
        const { server, device } = await runningDevice()
        server.target = { release: update }
        device.disk().arrange({ fullAt })
        const outcome = await device.engine.sync()
        if (outcome.kind !== 'failed') {
          expect(fullAt).toBeGreaterThan(20)
          break
        }
        expect(outcome.code, `full at ${fullAt}`).toBe('storage-full')
        expect(server.kinds()).toContain('failed:storage-full')
        expect(device.identify(await device.boot(), all)).toBe('1.0.0')
        device.disk().arrange({})
        expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
        expect(device.identify(await device.boot(), all)).toBe('1.1.0')
      }
    })

    test('a disk that says it is too small is believed before the download', async () => {
      const { server, device } = await runningDevice()
      server.target = { release: update }
      await device.boot({ ...device.disk(), freeBytes: async () => update.bundle.length - 1 })
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'storage-full' })
      expect(server.downloads()).toHaveLength(0)
    })
  })

  /** What comes over a bad connection. */
  const subjects: Record<TestedKind, [name: string, bytes: Uint8Array][]> = {
    archive: [['bundle', update.bundle]],
    files: [
      ['list', update.bundle],
      ['file of a list', update.files.get('index.bundle') ?? expect.unreachable()],
    ],
  }

  describe.each(subjects[kind])('a bad connection, for a %s', (_name, subject) => {
    const half = Math.floor(subject.length / 2)
    const isSubject = ({ url }: { url: string }) => url.endsWith(sha256Of(subject))
    const requestsOf = (server: FakeServer) => server.downloads().filter(isSubject)
    const ranges = (server: FakeServer) => requestsOf(server).map(({ headers }) => headers.range ?? 'all')

    async function syncOver(respond: (server: FakeServer, attempt: number, etag: string) => FakeResponse | undefined) {
      const { server, device } = await runningDevice()
      server.target = { release: update }
      server.intercept = (request) => {
        if (!isSubject(request)) return undefined
        return respond(server, requestsOf(server).length, '"a"') ?? serveRange(subject, request)
      }
      const outcome = await device.engine.sync()
      const states = { server, device, outcome }
      expect(outcome).toMatchObject({ kind: 'staged' })
      expect(device.identify(await device.boot(), all)).toBe('1.1.0')
      return states
    }

    const reset = (): FakeResponse => ({
      status: 200,
      headers: { etag: '"a"' },
      body: chunked(subject, 10, half),
    })

    test('that is reset midway is resumed, after a wait', async () => {
      const { server, device } = await syncOver((_, attempt) => (attempt === 1 ? reset() : undefined))
      expect(ranges(server)).toEqual(['all', `bytes=${Math.ceil(half / 10) * 10}-`])
      expect(device.clock.waits()).toContain(500)
    })

    test('that is reset for good is resumed by the next process', async () => {
      const { server, device } = await runningDevice({ limits: { attempts: 1 } })
      server.target = { release: update }
      server.intercept = (request) => (isSubject(request) ? reset() : undefined)
      expect(await device.engine.sync()).toMatchObject({ kind: 'failed', code: 'download-failed' })
      server.intercept = () => undefined
      await device.boot()
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
      expect(ranges(server)).toEqual(['all', `bytes=${Math.ceil(half / 10) * 10}-`])
    })

    test('to a server that ignores ranges starts again', async () => {
      await syncOver((_, attempt) => (attempt === 1 ? reset() : { status: 200, body: subject }))
    })

    test('to a bundle that changed meanwhile starts again', async () => {
      const { server } = await syncOver((_, attempt) =>
        attempt === 1 ? { ...reset(), headers: { etag: '"old"' } } : undefined,
      )
      expect(requestsOf(server)[1]?.headers['if-range']).toBe('"old"')
    })

    test('to a server that gives another range than asked for starts again', async () => {
      const headers = { etag: '"a"', 'content-range': `bytes 0-9/${subject.length}` }
      const { server } = await syncOver((_, attempt) =>
        attempt === 1 ? reset() : attempt === 2 ? { status: 206, headers, body: subject.subarray(0, 10) } : undefined,
      )
      expect(ranges(server).at(-1)).toBe('all')
    })

    test('to a server that cannot satisfy the range starts again', async () => {
      const { server } = await syncOver((_, attempt) =>
        attempt === 1 ? reset() : attempt === 2 ? { status: 416 } : undefined,
      )
      expect(ranges(server).at(-1)).toBe('all')
    })

    test('over a kept part that is not what it seemed starts again, once, unnoticed', async () => {
      const { server, device } = await runningDevice({ limits: { attempts: 1 } })
      server.target = { release: update }
      server.intercept = (request) =>
        isSubject(request) ? { ...reset(), body: chunked(new Uint8Array(subject.length), 10, half) } : undefined
      await device.engine.sync()
      server.intercept = () => undefined
      server.reports.length = 0
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
      expect(server.kinds()).toEqual(['downloaded'])
    })

    test('without a strong ETag nothing is resumed', async () => {
      const { server } = await syncOver((_, attempt) =>
        attempt === 1 ? { ...reset(), headers: { etag: 'W/"a"' } } : undefined,
      )
      expect(ranges(server)).toEqual(['all', 'all'])
    })

    test('follows redirects to allowed places', async () => {
      const elsewhere = `https://cdn.test/${sha256Of(subject)}`
      const { server } = await syncOver((_, attempt) =>
        attempt === 1 ? { status: 302, headers: { location: elsewhere } } : undefined,
      )
      expect(requestsOf(server)[1]?.url).toBe(elsewhere)
    })

    test('waits as long as a busy bundle address asks, before it goes on', async () => {
      const { device } = await syncOver((_, attempt) =>
        attempt === 1 ? { status: 503, headers: { 'retry-after': '7' } } : undefined,
      )
      expect(device.clock.waits()).toContain(7000)
    })
  })

  describe('a server that asks for patience', () => {
    test.each([
      ['120', 120_000],
      ['Thu, 01 Jan 2026 00:02:00 GMT', 120_000],
      ['999999999', 3_600_000],
    ])('Retry-After: %s is honoured, and bounded', async (text, ms) => {
      const { server, device } = await runningDevice()
      server.target = { release: update }
      answer({ status: 429, headers: { 'retry-after': text } })(server)
      await device.engine.sync()
      const asked = server.requests.length
      const { error } = (await device.engine.sync()) as { error: { retryAfterMs: number } }
      expect(server.requests).toHaveLength(asked)
      expect(Math.abs(error.retryAfterMs - ms)).toBeLessThan(1000)
      server.intercept = () => undefined
      await new Promise<void>((resolve) => {
        device.clock.after(ms, resolve)
      })
      expect(await device.engine.sync()).toMatchObject({ kind: 'staged' })
    })

    test('a server that fails is asked again a bounded number of times, further and further apart', async () => {
      const { server, device } = await runningDevice()
      answer({ status: 500 })(server)
      await device.engine.check()
      expect(server.requests).toHaveLength(5)
      expect(device.clock.waits().slice(-4)).toEqual([500, 1000, 2000, 4000])
    })

    test('the development address of this machine is allowed only if the configuration says so', async () => {
      for (const [serverUrl, allowInsecure, isAsked] of [
        ['http://localhost:8080', false, false],
        ['http://localhost:8080', 'loopback', true],
        ['http://127.0.0.1:8080', 'loopback', true],
        ['http://localhost.example.com', 'loopback', false],
        ['http://localhost@example.com', 'loopback', false],
        ['http://10.0.2.2:8080', 'loopback', false],
        ['http://10.0.2.2:8080', true, true],
        [SERVER, false, true],
      ] as const) {
        const server = createFakeServer()
        const device = createDevice({ server, config: { serverUrl, allowInsecure } })
        await device.boot()
        const outcome = await device.engine.check()
        expect(server.requests.length > 0, `asked ${serverUrl}`).toBe(isAsked)
        if (!isAsked) expect(outcome).toMatchObject({ kind: 'failed', code: 'insecure-url' })
      }
    })
  })

  function offerOf(target: FakeServer['target']) {
    const { releaseId, version, kind, bundle, sha256, signature, statement, statementSignature } = (
      target as { release: PublishedRelease }
    ).release
    const common = {
      releaseId,
      version,
      signature,
      statement,
      statementSignature,
      hash: sha256,
      sizeBytes: bundle.length,
    }
    const fileUrl = kind === 'files' ? `${SERVER}/artifacts/{sha256}` : undefined
    return { ...common, updateAvailable: true, mandatory: false, bundleUrl: `${SERVER}/artifacts/${sha256}`, fileUrl }
  }
}
