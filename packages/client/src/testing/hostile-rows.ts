import { utf8FromText, type SdkCode } from '@hotpatch/protocol'
import type { ClockPort } from '@hotpatch/device-ground'
import { expect } from 'vitest'
// oxlint-disable-next-line no-restricted-imports -- Only tests take this in.
import { writeZip, type ZipEntry } from '@hotpatch/testkit/archives'
import { described } from './described-body.ts'
import type { FakeResponse, FakeServer } from './fake-server.ts'
import { createPublisher, sha256Of, type NewRelease, type TestedKind } from './publisher.ts'

export interface HostileRow {
  name: string
  attack: (server: FakeServer, device: { clock: Pick<ClockPort, 'after'> }) => void
  code: SdkCode
  /** Being offline, or asked to wait, is not reported. */
  isReported?: false
  /** Most attacks are seen before a byte is asked for. */
  downloads: 'none' | 'some'
}

/** Engine §4 and §5 for one kind of content: whatever a network or a server may do, and what is said of it. */
export function createHostileRows(kind: TestedKind) {
  const publisher = createPublisher(kind, 'publisher')
  const stranger = createPublisher('archive', 'stranger')
  const good = publisher.publish({ version: '1.0.0', sequence: 10, floor: 8 })
  const next = { version: '1.1.0', sequence: 11 }
  const update = publisher.publish(next)
  const mend = publisher.publish({ version: '1.2.0', sequence: 12 })

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

  const silence = () => described([{ end: 'silence' }])
  const endless = () => described([{ end: 'endless' }])

  const common: HostileRow[] = [
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
      attack: body(() => ({ body: silence() })),
      code: 'download-timeout',
      downloads: 'some',
    },
    {
      name: 'a byte every 20 seconds',
      attack: (server, device) =>
        body((zip) => ({
          body: described([{ bytes: zip, each: 1, afterMs: 20_000 }], device.clock),
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
      attack: answer({ status: 200, body: silence() }),
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

  const rowsOf: Record<TestedKind, HostileRow[]> = {
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
        attack: file(() => ({ body: silence() })),
        code: 'download-timeout',
        downloads: 'some',
      },
    ],
  }

  return {
    publisher,
    good,
    update,
    mend,
    next,
    FILES,
    answered,
    answer,
    archive,
    listed,
    rows: [...common, ...rowsOf[kind]],
  }
}
