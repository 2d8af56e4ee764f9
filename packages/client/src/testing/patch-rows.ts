import { utf8FromText } from '@hotpatch/protocol'
import { deflateSync } from 'fflate'
import { described } from './described-body.ts'
import type { FakePatch, FakeResponse, FakeServer } from './fake-server.ts'
import { offered } from './patches.ts'
import { sha256Of, treeOf, type PublishedRelease } from './publisher.ts'

export interface PatchRow {
  name: string
  attack: (server: FakeServer) => void
  /** What happens to the disk as well. */
  damage?: { path: string; bytes: Uint8Array }
  reason: string
  /** Most are seen before a byte is asked for. */
  isFetched: boolean
  /** Of an app without keys: nothing but the answer says what must come. */
  unsigned?: true
}

/** Engine §5: patches from `good` to `update` that are not as they must be. `toAnother` is one to another release. */
export function createPatchRows(
  patch: FakePatch,
  { good, update, toAnother }: { good: PublishedRelease; update: PublishedRelease; toAnother: FakePatch },
): PatchRow[] {
  const { offer, bytes } = patch
  const about = { format: offer.format, baseTree: offer.baseTree, tree: offer.tree }
  const told = (change: object) => (server: FakeServer) => {
    server.patches = [{ ...patch, offer: { ...offer, ...change } }]
  }
  /** Other bytes, and an answer that stands by them. */
  const made =
    (other: Uint8Array, change: Partial<typeof about> = {}) =>
    (server: FakeServer) => {
      server.patches = [offered(good, update, other, { ...about, ...change })]
    }
  const body = (respond: () => FakeResponse) => (server: FakeServer) => {
    server.intercept = ({ url }) => (url === offer.url ? respond() : undefined)
  }
  const changed = (at: number, value: number) => bytes.map((byte, index) => (index === at ? value : byte))
  const whole = (content: Uint8Array) => ({ status: 200, headers: { etag: '"a"' }, body: content })

  const endless = () => described([{ end: 'endless' }])

  const rows: PatchRow[] = [
    { name: 'is not there', attack: body(() => ({ status: 404 })), reason: 'download-failed', isFetched: true },
    { name: 'cannot be had', attack: body(() => ({ status: 500 })), reason: 'download-failed', isFetched: true },
    {
      name: 'is encoded',
      attack: body(() => ({ status: 200, headers: { 'content-encoding': 'br' } })),
      reason: 'download-failed',
      isFetched: true,
    },
    {
      name: 'leads to http:',
      attack: body(() => ({ status: 302, headers: { location: 'http://updates.test/a' } })),
      reason: 'insecure-url',
      isFetched: true,
    },
    {
      name: 'is at an http: address',
      attack: told({ url: 'http://updates.test/a' }),
      reason: 'insecure-url',
      isFetched: false,
    },
    {
      name: 'is cut off',
      attack: body(() => ({ status: 200, body: new Uint8Array() })),
      reason: 'download-truncated',
      isFetched: true,
    },
    {
      name: 'goes on for ever',
      attack: body(() => ({ status: 200, body: endless() })),
      reason: 'download-too-large',
      isFetched: true,
    },
    { name: 'came damaged', attack: body(() => whole(changed(100, 0))), reason: 'hash-mismatch', isFetched: true },
    {
      name: 'is damaged where it was made',
      attack: made(changed(bytes.length - 5, bytes[bytes.length - 5]! ^ 0xff)),
      reason: 'patch-damaged',
      isFetched: true,
    },
    { name: 'is something else', attack: made(utf8FromText('<html>')), reason: 'patch-damaged', isFetched: true },
    {
      name: 'goes on behind its end',
      attack: made(Uint8Array.of(...bytes, 0)),
      reason: 'patch-damaged',
      isFetched: true,
    },
    {
      name: 'has another packing than any',
      attack: made(changed(8, 9)),
      reason: 'packing-unsupported',
      isFetched: true,
    },
    {
      name: 'says that it is from another tree',
      attack: made(changed(9, bytes[9]! ^ 1)),
      reason: 'base-differs',
      isFetched: true,
    },
    {
      name: 'says that it is to another tree',
      attack: made(changed(41, bytes[41]! ^ 1)),
      reason: 'result-differs',
      isFetched: true,
    },
    { name: 'has a list of gigabytes', attack: made(changed(76, 0xff)), reason: 'patch-too-large', isFetched: true },
    { name: 'has a bomb for a list', attack: made(bombed(bytes)), reason: 'patch-damaged', isFetched: true },
    {
      name: 'is from what is not here',
      attack: told({ baseTree: '0'.repeat(64) }),
      reason: 'base-differs',
      isFetched: false,
    },
    {
      name: 'is to what nobody signed',
      attack: told({ tree: '0'.repeat(64) }),
      reason: 'result-differs',
      isFetched: false,
    },
    {
      name: 'is to another release that was signed',
      attack: (server) => {
        server.patches = [{ ...toAnother, to: update.releaseId }]
      },
      reason: 'result-differs',
      isFetched: false,
    },
    {
      name: 'has as many bytes as the bundle',
      attack: told({ sizeBytes: update.bundle.length }),
      reason: 'patch-too-large',
      isFetched: false,
    },
    {
      name: 'has a format that nobody knows',
      attack: tampered({ ...offer, format: 'hpdelta9' }),
      reason: 'answer-invalid',
      isFetched: false,
    },
    { name: 'has no size', attack: tampered({ ...offer, sizeBytes: '7' }), reason: 'answer-invalid', isFetched: false },
    { name: 'is a word', attack: tampered('patch'), reason: 'answer-invalid', isFetched: false },
    {
      name: 'is for what has changed on the disk',
      attack: () => undefined,
      damage: { path: 'ota/bundle/assets/fonts/same.txt', bytes: utf8FromText('the same in no version!!') },
      reason: 'base-differs',
      isFetched: true,
    },
    {
      name: 'is for what the disk has half lost',
      attack: () => undefined,
      damage: { path: 'ota/bundle/index.bundle', bytes: new Uint8Array(3) },
      reason: 'base-differs',
      isFetched: true,
    },
    ...['../../evil', '/evil', '.hotpatch.json', 'a/../../evil', 'CON'].map((path): PatchRow => {
      const content = utf8FromText('evil')
      const tree = treeOf(new Map([[path, content]]))
      const evil = patchOf(path, content, { baseTree: offer.baseTree, tree })
      return {
        name: `writes ${path}`,
        attack: made(evil, { format: 'hpdelta1-deflate', tree }),
        reason: 'patch-damaged',
        isFetched: true,
        unsigned: true,
      }
    }),
  ]

  function tampered(found: unknown) {
    return (server: FakeServer) => {
      server.tamper = (answer) => ({ ...answer, patch: found })
    }
  }

  return rows
}

/** The same header, and a list that unpacks to far more than it says. */
function bombed(bytes: Uint8Array): Uint8Array {
  const bomb = deflateSync(new Uint8Array(20_000))
  const header = new Uint8Array(bytes.subarray(0, 81))
  const view = new DataView(header.buffer)
  header[8] = 1
  view.setUint32(73, 100, true)
  view.setUint32(77, bomb.length, true)
  return Uint8Array.of(...header, ...bomb)
}

/** Patches §5 by hand: one new file. */
function patchOf(
  path: string,
  content: Uint8Array,
  { baseTree, tree }: { baseTree: string; tree: string },
): Uint8Array {
  const frame = deflateSync(content)
  const digest = (hex: string) => Buffer.from(hex, 'hex')
  const name = utf8FromText(path)
  const entry = [2, name.length, ...name, content.length, ...digest(sha256Of(content))]
  const index = Uint8Array.of(1, frame.length, 0, 0, content.length, 1, 1, ...entry)
  const packed = deflateSync(index)
  const sizes = new Uint8Array(8)
  new DataView(sizes.buffer).setUint32(0, index.length, true)
  new DataView(sizes.buffer).setUint32(4, packed.length, true)
  return Uint8Array.of(
    ...utf8FromText('HPDELTA1'),
    1,
    ...digest(baseTree),
    ...digest(tree),
    ...sizes,
    ...packed,
    ...frame,
  )
}
