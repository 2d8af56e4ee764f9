import { utf8FromText } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import type { SdkCode } from '@hotpatch/protocol'
// oxlint-disable-next-line no-restricted-imports -- Only tests take this in.
import { writeZip, type ZipEntry } from '@hotpatch/testkit/archives'
import type { EngineConfig } from '../ground/settings.ts'
import { createDevice } from './device.ts'
import { chunked, createFakeServer, SERVER, serveRange, type FakeResponse, type FakeServer } from './fake-server.ts'
import { createPublisher, sha256Of, type NewRelease, type PublishedRelease, type TestedKind } from './publisher.ts'

/** Engine §4 and §5 for one kind of content: whatever a network or a server may do. */
export function describeHostileMatrix(kind: TestedKind): void {
  const publisher = createPublisher(kind)
  const stranger = createPublisher()
  const good = publisher.publish({ version: '1.0.0', sequence: 10, floor: 8 })
  const next = { version: '1.1.0', sequence: 11 }
  const update = publisher.publish(next)
  const mend = publisher.publish({ version: '1.2.0', sequence: 12 })
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

  const published = (change: Partial<NewRelease>) => (server: FakeServer) => {
    server.target = { release: publisher.publish({ ...next, ...change }) }
  }
  const answered = (change: object) => (server: FakeServer) => {
    server.tamper = (answer) => ({ ...answer, ...change })
  }
  const body = (respond: (zip: Uint8Array) => Partial<FakeResponse>) => (server: FakeServer) => {
    server.intercept = ({ url }) =>
      url.endsWith(update.sha256) ? { status: 200, ...respond(update.bundle) } : undefined
  }
  const answer = (response: FakeResponse) => (server: FakeServer) => {
    server.intercept = ({ url }) => (url.endsWith('/update/check') ? response : undefined)
  }
  const archive = (entries: readonly ZipEntry[]) => published({ bundle: writeZip(entries) })
  const FILES = [...update.files].map(([path, bytes]) => ({ path, sha256: sha256Of(bytes), sizeBytes: bytes.length }))
  const listed = (files: readonly object[], more: object = {}) =>
    published({ bundle: utf8FromText(JSON.stringify({ type: 'hotpatch.files.v1', files, ...more })) })
  /** Of a release that is files, one of them. */
  const file =
    (respond: (bytes: Uint8Array) => Partial<FakeResponse>, path = 'index.bundle') =>
    (server: FakeServer) => {
      const bytes = update.files.get(path) ?? expect.unreachable()
      server.intercept = ({ url }) => (url.endsWith(sha256Of(bytes)) ? { status: 200, ...respond(bytes) } : undefined)
    }

  function flipped(zip: Uint8Array): Uint8Array {
    return zip.map((byte, index) => (index === 40 ? byte ^ 1 : byte))
  }

  async function* trickle(zip: Uint8Array, pause: () => Promise<void>): AsyncGenerator<Uint8Array> {
    for (const byte of zip) {
      await pause()
      yield Uint8Array.of(byte)
    }
  }

  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield new Uint8Array(1000)
  }

  interface Row {
    name: string
    attack: (server: FakeServer, device: Awaited<ReturnType<typeof runningDevice>>['device']) => void
    code: SdkCode
    /** Being offline, or asked to wait, is not reported. */
    isReported?: false
    /** Most attacks are seen before a byte is asked for. */
    downloads: 'none' | 'some'
  }

  const common: Row[] = [
    { name: 'no statement', attack: answered({ statement: null }), code: 'signature-missing', downloads: 'none' },
    {
      name: 'no statement signature',
      attack: answered({ statementSignature: null }),
      code: 'signature-missing',
      downloads: 'none',
    },
    {
      name: 'a stranger’s statement signature',
      attack: answered({ statementSignature: stranger.publish(next).statementSignature }),
      code: 'signature-invalid',
      downloads: 'none',
    },
    {
      name: 'the statement’s signature over the bundle',
      attack: answered({ statementSignature: update.signature }),
      code: 'signature-invalid',
      downloads: 'none',
    },
    {
      name: 'everything from a stranger',
      attack: (server) => {
        server.target = { release: stranger.publish(next) }
      },
      code: 'signature-invalid',
      downloads: 'none',
    },
    {
      name: 'a statement that is not base64',
      attack: answered({ statement: '%%%%' }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'a statement for another app',
      attack: published({ statement: { appId: 'another' } }),
      code: 'wrong-app',
      downloads: 'none',
    },
    {
      name: 'a statement for another platform',
      attack: published({ statement: { platform: 'ios' } }),
      code: 'wrong-platform',
      downloads: 'none',
    },
    {
      name: 'a statement for another shell',
      attack: published({ statement: { requirement: { minNativeVersion: '9.0' } } }),
      code: 'requirement-not-met',
      downloads: 'none',
    },
    {
      name: 'a statement for another version',
      attack: published({ statement: { version: '9.9.9' } }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'an answer with another version',
      attack: answered({ version: '9.9.9' }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'a statement without the bundle',
      attack: published({ statement: { artifacts: [{ name: 'other', sha256: '0'.repeat(64), sizeBytes: 1 }] } }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'another release’s statement',
      attack: answered({ statement: mend.statement, statementSignature: mend.statementSignature, version: '1.2.0' }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'another size than stated',
      attack: answered({ sizeBytes: 10 }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'an order for embedded as a release',
      attack: answered(publisher.orderEmbedded(20)),
      code: 'statement-invalid',
      downloads: 'none',
    },
    {
      name: 'a floor above the statement itself',
      attack: published({ floor: 99 }),
      code: 'statement-invalid',
      downloads: 'none',
    },
    { name: 'a lower sequence', attack: published({ sequence: 9 }), code: 'sequence-too-low', downloads: 'none' },
    { name: 'a sequence below the floor', attack: published({ sequence: 7 }), code: 'below-floor', downloads: 'none' },
    {
      name: 'the way to embedded, below the floor',
      attack: (server) => {
        server.target = { embedded: null }
      },
      code: 'below-floor',
      downloads: 'none',
    },

    {
      name: 'an http: address',
      attack: answered({ bundleUrl: 'http://updates.test/a' }),
      code: 'insecure-url',
      downloads: 'none',
    },
    {
      name: 'a file: address',
      attack: answered({ bundleUrl: 'file:///etc/passwd' }),
      code: 'insecure-url',
      downloads: 'none',
    },
    {
      name: 'an address with a user name',
      attack: answered({ bundleUrl: 'https://a@b/' }),
      code: 'insecure-url',
      downloads: 'none',
    },
    {
      name: 'a redirect to http:',
      attack: body(() => ({ status: 302, headers: { location: 'http://updates.test/a' } })),
      code: 'insecure-url',
      downloads: 'some',
    },
    {
      name: 'redirects without end',
      attack: body(() => ({ status: 302, headers: { location: '/again' } })),
      code: 'download-failed',
      downloads: 'some',
    },
    {
      name: 'a redirect to nowhere',
      attack: body(() => ({ status: 302 })),
      code: 'download-failed',
      downloads: 'some',
    },
    { name: 'no such bundle', attack: body(() => ({ status: 404 })), code: 'download-failed', downloads: 'some' },
    {
      name: 'a bundle address that fails',
      attack: body(() => ({ status: 500 })),
      code: 'download-failed',
      downloads: 'some',
    },
    {
      name: 'an encoded bundle',
      attack: body((zip) => ({ headers: { 'content-encoding': 'br' }, body: zip })),
      code: 'download-failed',
      downloads: 'some',
    },
    {
      name: 'a truncated bundle',
      attack: body((zip) => ({ body: zip.subarray(0, -1) })),
      code: 'download-truncated',
      downloads: 'some',
    },
    {
      name: 'a corrupted bundle',
      attack: body((zip) => ({ body: flipped(zip) })),
      code: 'hash-mismatch',
      downloads: 'some',
    },
    {
      name: 'another bundle of the same size',
      attack: body((zip) => ({ body: new Uint8Array(zip.length) })),
      code: 'hash-mismatch',
      downloads: 'some',
    },
    {
      name: 'a byte more than announced',
      attack: body((zip) => ({ body: Uint8Array.of(...zip, 0) })),
      code: 'download-too-large',
      downloads: 'some',
    },
    {
      name: 'more than announced, and it says so',
      attack: body(() => ({ headers: { 'content-length': '99999' }, body: endless() })),
      code: 'download-too-large',
      downloads: 'some',
    },
    {
      name: 'a body without end',
      attack: body(() => ({ body: endless() })),
      code: 'download-too-large',
      downloads: 'some',
    },
    {
      name: 'silence instead of a body',
      attack: body((zip) => ({ body: trickle(zip, () => new Promise(() => undefined)) })),
      code: 'download-timeout',
      downloads: 'some',
    },
    {
      name: 'a byte every 20 seconds',
      attack: (server, device) =>
        body((zip) => ({
          body: trickle(
            zip,
            () =>
              new Promise((resolve) => {
                device.clock.after(20_000, resolve)
              }),
          ),
        }))(server),
      code: 'download-timeout',
      downloads: 'some',
    },

    {
      name: 'an answer that is no JSON',
      attack: answer({ status: 200, body: utf8FromText('<html>sign in</html>') }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    {
      name: 'an answer that is not UTF-8',
      attack: answer({ status: 200, body: Uint8Array.of(0x22, 0xff, 0x22) }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    { name: 'an empty answer', attack: answer({ status: 200 }), code: 'answer-invalid', downloads: 'none' },
    {
      name: 'JSON that is no answer',
      attack: answer({ status: 200, body: utf8FromText('[]') }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    {
      name: 'an answer without a hash',
      attack: answered({ hash: undefined }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    { name: 'a negative size', attack: answered({ sizeBytes: -1 }), code: 'answer-invalid', downloads: 'none' },
    {
      name: 'a way back to something unknown',
      attack: answered({ updateAvailable: false, rollBackTo: 'yesterday' }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    {
      name: 'an answer without end',
      attack: answer({ status: 200, body: endless() }),
      code: 'answer-invalid',
      downloads: 'none',
    },
    {
      name: 'silence instead of an answer',
      attack: answer({ status: 200, body: trickle(utf8FromText('{}'), () => new Promise(() => undefined)) }),
      code: 'check-failed',
      isReported: false,
      downloads: 'none',
    },
    {
      name: 'a server that fails',
      attack: answer({ status: 500 }),
      code: 'check-failed',
      isReported: false,
      downloads: 'none',
    },
    {
      name: 'a server that refuses the key',
      attack: answer({ status: 401, body: utf8FromText('{"detail":"no"}') }),
      code: 'check-failed',
      isReported: false,
      downloads: 'none',
    },
    {
      name: 'a server that has no time',
      attack: answer({ status: 429, headers: { 'retry-after': '60' } }),
      code: 'check-failed',
      isReported: false,
      downloads: 'none',
    },
  ]

  const rowsOf: Record<TestedKind, Row[]> = {
    archive: [
      {
        name: 'no bundle signature',
        attack: answered({ signature: null }),
        code: 'signature-missing',
        downloads: 'none',
      },
      {
        name: 'a stranger’s bundle signature',
        attack: answered({ signature: stranger.publish(next).signature }),
        code: 'signature-invalid',
        downloads: 'none',
      },
      {
        name: 'a bundle signature that is not base64',
        attack: answered({ signature: '§' }),
        code: 'signature-invalid',
        downloads: 'none',
      },
      {
        name: 'a statement of another kind of content',
        attack: published({
          statement: {
            content: { kind: 'files' },
            artifacts: [{ name: 'files.json', sha256: '0'.repeat(64), sizeBytes: 1 }],
          },
        }),
        code: 'statement-invalid',
        downloads: 'none',
      },
      {
        name: 'another hash than signed',
        attack: answered({ hash: 'f'.repeat(64) }),
        code: 'signature-invalid',
        downloads: 'none',
      },

      {
        name: 'a climbing path',
        attack: archive([{ name: '../../evil' }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      { name: 'an absolute path', attack: archive([{ name: '/evil' }]), code: 'archive-invalid', downloads: 'some' },
      {
        name: 'a link',
        attack: archive([{ name: 'a', content: '/etc/passwd', unixMode: 0o120777 }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      {
        name: 'a path twice',
        attack: archive([{ name: 'a' }, { name: 'A' }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      {
        name: 'a bomb',
        attack: archive([{ name: 'a', content: Buffer.alloc(3_000_000) }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      {
        name: 'a lying bomb',
        attack: archive([{ name: 'a', content: Buffer.alloc(3_000_000), unpackedBytes: 1000 }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      {
        name: 'an encrypted entry',
        attack: archive([{ name: 'a', flags: 1 }]),
        code: 'archive-invalid',
        downloads: 'some',
      },
      {
        name: 'something that is no archive',
        attack: published({ bundle: utf8FromText('no archive, but signed all the same') }),
        code: 'archive-invalid',
        downloads: 'some',
      },
    ],
    files: [
      {
        name: 'another hash than signed',
        attack: answered({ hash: 'f'.repeat(64) }),
        code: 'statement-invalid',
        downloads: 'none',
      },
      {
        name: 'a statement of another kind of content',
        attack: published({
          statement: {
            content: { kind: 'archive' },
            artifacts: [{ name: 'bundle.zip', sha256: '0'.repeat(64), sizeBytes: 1 }],
          },
        }),
        code: 'statement-invalid',
        downloads: 'none',
      },
      {
        name: 'files from an http: address',
        attack: answered({ fileUrl: 'http://updates.test/{sha256}' }),
        code: 'insecure-url',
        downloads: 'some',
      },
      {
        name: 'a climbing path',
        attack: listed([{ ...FILES[0], path: '../evil' }]),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'an absolute path',
        attack: listed([{ ...FILES[0], path: '/evil' }]),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'the engine’s own file',
        attack: listed([{ ...FILES[0], path: '.hotpatch.json' }]),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'a path twice',
        attack: listed([
          { ...FILES[0], path: 'a' },
          { ...FILES[0], path: 'A' },
        ]),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'a file where another needs a folder',
        attack: listed([
          { ...FILES[0], path: 'a' },
          { ...FILES[0], path: 'a/b' },
        ]),
        code: 'files-invalid',
        downloads: 'some',
      },
      { name: 'no files', attack: listed([]), code: 'files-invalid', downloads: 'some' },
      {
        name: 'a launch that is no file of it',
        attack: listed(FILES, { launch: 'elsewhere' }),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'more than a device takes in all',
        attack: listed([{ ...FILES[0], sizeBytes: 3_000_000 }]),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'more files than a device takes',
        attack: listed(Array.from({ length: 101 }, (_, index) => ({ ...FILES[0], path: `f${index}` }))),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'something that is no list',
        attack: published({ bundle: utf8FromText('no list, but signed all the same') }),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'a list that is not UTF-8',
        attack: published({ bundle: Uint8Array.of(0x7b, 0xff, 0x7d) }),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'a list of another type',
        attack: listed(FILES, { type: 'hotpatch.files.v9' }),
        code: 'files-invalid',
        downloads: 'some',
      },
      {
        name: 'a file that lies about its size, signed all the same',
        attack: (server) => {
          const release = publisher.publish(next)
          const list = FILES.map((each) => (each.path === 'index.bundle' ? { ...each, sizeBytes: 7 } : each))
          const bundle = utf8FromText(JSON.stringify({ type: 'hotpatch.files.v1', files: list }))
          const lying = publisher.publish({ ...next, bundle })
          server.target = { release: { ...lying, artifacts: new Map([...release.artifacts, ...lying.artifacts]) } }
        },
        code: 'download-too-large',
        downloads: 'some',
      },
      {
        name: 'a file that is not there',
        attack: file(() => ({ status: 404 })),
        code: 'download-failed',
        downloads: 'some',
      },
      { name: 'a file that fails', attack: file(() => ({ status: 500 })), code: 'download-failed', downloads: 'some' },
      {
        name: 'a file that leads to http:',
        attack: file(() => ({ status: 302, headers: { location: 'http://updates.test/a' } })),
        code: 'insecure-url',
        downloads: 'some',
      },
      {
        name: 'an encoded file',
        attack: file((bytes) => ({ headers: { 'content-encoding': 'br' }, body: bytes })),
        code: 'download-failed',
        downloads: 'some',
      },
      {
        name: 'an altered file',
        attack: file((bytes) => ({ body: flipped(bytes) })),
        code: 'hash-mismatch',
        downloads: 'some',
      },
      {
        name: 'an altered small file',
        attack: file((bytes) => ({ body: new Uint8Array(bytes.length) }), 'assets/logo.svg'),
        code: 'hash-mismatch',
        downloads: 'some',
      },
      {
        name: 'a truncated file',
        attack: file((bytes) => ({ body: bytes.subarray(0, -1) })),
        code: 'download-truncated',
        downloads: 'some',
      },
      {
        name: 'a truncated small file',
        attack: file((bytes) => ({ body: bytes.subarray(0, -1) }), 'assets/logo.svg'),
        code: 'download-truncated',
        downloads: 'some',
      },
      {
        name: 'a file with a byte more',
        attack: file((bytes) => ({ body: Uint8Array.of(...bytes, 0) })),
        code: 'download-too-large',
        downloads: 'some',
      },
      {
        name: 'a file without end',
        attack: file(() => ({ body: endless() })),
        code: 'download-too-large',
        downloads: 'some',
      },
      {
        name: 'silence instead of a file',
        attack: file((bytes) => ({ body: trickle(bytes, () => new Promise(() => undefined)) })),
        code: 'download-timeout',
        downloads: 'some',
      },
    ],
  }

  const rows = [...common, ...rowsOf[kind]]

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
