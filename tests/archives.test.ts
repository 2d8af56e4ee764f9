import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { constants, crc32, deflateRawSync, inflateRawSync } from 'node:zlib'
import { DEFAULT_LIMITS, UpdateError } from '@hotpatch/client'
import { createMemoryFiles } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import { MAX_FILE_PATH_BYTES, Problem } from '@hotpatch/protocol'
import { readConfig } from '@hotpatch/server/config'
import { readEnvironment } from '@hotpatch/server/testing'
import {
  archiveCases,
  CASE_LIMITS,
  extraField,
  IS_UTF8,
  MAX_VECTOR_BYTES,
  u32,
  writeZip,
  type ArchiveCase,
  type CaseLimits,
  type ZipEntry,
} from '@hotpatch/testkit/archives'
import * as fc from 'fast-check'
import { inflateSync as inflateLaxly } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listBundleFiles } from '../packages/cli/src/content/folder/bundle-files.ts'
import { zipBundle } from '../packages/cli/src/content/archive/zip-bundle.ts'
import { completeContext } from '../packages/cli/src/process/context.ts'
import { CommandError } from '../packages/cli/src/errors/errors.ts'
import { installArchive } from '../packages/client/src/archive/archive-installer.ts'
import { checkArchive } from '../packages/server/src/shipping/content/archive/archive-check.ts'
import pathVectors from '../vectors/file-paths.json' with { type: 'json' }

/**
 * What the server accepts, every device unpacks, to the same files: otherwise a release could be published that all
 * devices refuse, and blame. And what the server refuses no device unpacks, whoever brought it there.
 */
const { bundles } = readConfig(readEnvironment({}))
const SERVER_LIMITS = { ...bundles, maxPathBytes: MAX_FILE_PATH_BYTES }
const crypto = createNodeCrypto()
const release = { releaseId: 'release-1', version: '1.0.0', sequence: 1, sha256: '0'.repeat(64) }

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hotpatch-archives-'))))
afterAll(() => rm(folder, { recursive: true }))

test('the server accepts no larger bundles than devices do', () => {
  expect(bundles.maxBytes).toBeLessThanOrEqual(DEFAULT_LIMITS.bundleBytes)
  expect(bundles.maxUnpackedBytes).toBeLessThanOrEqual(DEFAULT_LIMITS.unpackedBytes)
  expect(bundles.maxFiles).toBeLessThanOrEqual(DEFAULT_LIMITS.fileCount)
  expect(MAX_FILE_PATH_BYTES).toBeLessThanOrEqual(DEFAULT_LIMITS.pathBytes)
})

test('the vectors are what the builder makes', async () => {
  const cases = archiveCases.filter(({ zip }) => zip.length <= MAX_VECTOR_BYTES).map(vectorOf)
  const head = { section: 'Engine §4', comment: VECTORS_COMMENT, limits: CASE_LIMITS }
  const lines = cases.map((vector) => `    ${JSON.stringify(vector)}`).join(',\n')
  const text = `${JSON.stringify(head, null, 2).slice(0, -2)},\n  "cases": [\n${lines}\n  ]\n}\n`
  await expect(text).toMatchFileSnapshot('../vectors/archives.json')
})

const VECTORS_COMMENT =
  'Archives that the server, the tool and every device judge alike. `zip` is base64; `rule` is what it breaks, null when it is accepted, and then `files` is what comes out. `limits` of a case replace those of all.'

function vectorOf({ comment, rule, zip, limits }: ArchiveCase) {
  const files = rule === null ? [...readByTheBook(zip)].map(([path, bytes]) => fileOf(path, bytes)) : undefined
  files?.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { comment, rule, ...(limits && { limits }), zip: zip.toString('base64'), ...(files && { files }) }
}

function fileOf(path: string, bytes: Buffer) {
  return { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}

describe('server and devices judge alike', () => {
  test.each(archiveCases)('$comment', async ({ rule, zip, limits }) => {
    expect(await judgeTwice(zip, { ...CASE_LIMITS, ...limits })).toBe(rule === null)
  })

  test.each(
    pathVectors.paths.map(({ path, fault, comment }) => [JSON.stringify(path.slice(0, 40)), comment, path, fault]),
  )('a path: %s, %s', async (_shown, _comment, path, fault) => {
    const name = path ?? ''
    const zip = writeZip([{ name: 'good' }, { name, flags: IS_UTF8 }])
    expect(await judgeTwice(zip)).toBe(fault === null)
  })

  test.each(pathVectors.conflicts)('paths: $comment', async ({ paths, conflict }) => {
    const zip = writeZip([{ name: 'good' }, ...paths.map((name) => ({ name, flags: IS_UTF8 }))])
    expect(await judgeTwice(zip)).toBe(conflict === null)
  })

  test('what the tool makes, whatever is in the folder', async () => {
    const name = fc.array(segmentArbitrary, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'))
    const files = fc.uniqueArray(fc.tuple(name, contentArbitrary), { maxLength: 4, selector: ([name]) => name })
    let made = 0
    const property = fc.asyncProperty(files, async (files) => {
      const zip = await zipWithTool(files)
      if (!zip) return
      made += 1
      expect(await judgeTwice(zip)).toBe(true)
    })
    await fc.assert(property, { numRuns: 200, seed: 20_260_105 })
    expect(made).toBeGreaterThan(80)
  })

  test('archives that are put together at random', async () => {
    await forEachArchive(1_000, 250, zipArbitrary)
  })

  test('archives with changed bytes', async () => {
    const small = archiveCases.filter(({ zip }) => zip.length < 5_000)
    const accepted = small.filter(({ rule }) => rule === null)
    const [any, good] = [small, accepted].map((cases) => fc.constantFrom(...cases.map(({ zip }) => zip)))
    const changed = fc.tuple(
      fc.oneof(any ?? expect.unreachable(), good ?? zipArbitrary, zipArbitrary),
      changesArbitrary,
    )
    const zips = changed.map(([zip, changes]) => changes.reduce(applyChange, zip))
    await forEachArchive(1_800, 100, zips)
  })

  test('deflated content in every form', async () => {
    const changed = fc.tuple(deflatedArbitrary, fc.array(byteChange, { maxLength: 2 }))
    const zips = changed.map(([packed, changes]) => zipOfDeflated(changes.reduce(applyChange, packed)))
    await forEachArchive(1_000, 300, zips)
  })
})

/** Undefined when the tool refuses the files, or the system that runs this cannot have them. */
async function zipWithTool(
  files: readonly (readonly [name: string, content: Uint8Array])[],
): Promise<Buffer | undefined> {
  const root = await mkdtemp(join(folder, 'bundle-'))
  try {
    for (const [name, content] of files) {
      const path = join(root, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    }
  } catch {
    return undefined
  }
  const context = completeContext({ cwd: root, env: {}, stdout: new PassThrough(), stderr: new PassThrough() })
  try {
    const { path } = await zipBundle(context, await listBundleFiles(root), join(folder, 'made.zip'))
    return await readFile(path)
  } catch (error) {
    if (error instanceof CommandError) return undefined
    throw error
  }
}

/** Always the same ones. At least so many have to be accepted: otherwise the test says little. */
async function forEachArchive(count: number, minAccepted: number, zips: fc.Arbitrary<Buffer>) {
  let accepted = 0
  const property = fc.asyncProperty(zips, async (zip) => {
    if (await judgeTwice(zip)) accepted += 1
  })
  await fc.assert(property, { numRuns: count, seed: 20_260_105 })
  expect(accepted).toBeGreaterThan(minAccepted)
}

/** Whether the server accepts it. Fails when the device judges otherwise, or finds something else. */
async function judgeTwice(zip: Buffer, limits: CaseLimits = SERVER_LIMITS): Promise<boolean> {
  const checked = await checkOnServer(zip, limits)
  const unpacked = await unpackOnDevice(zip, limits)
  if (!checked || !unpacked) {
    const verdicts = { server: checked !== undefined, device: unpacked !== undefined }
    expect(verdicts, `of ${zip.toString('base64').slice(0, 10_000)}`).toEqual({ server: false, device: false })
    return false
  }
  const expected = readByTheBook(zip)
  expect(sizesOf(expected)).toEqual(new Map(checked.files.map((file) => [file.path, file.sizeBytes])))
  expect(sizesOf(unpacked)).toEqual(sizesOf(expected))
  const different = [...expected].filter(([path, bytes]) => !bytes.equals(unpacked.get(path) ?? new Uint8Array()))
  expect(different.map(([path]) => path)).toEqual([])
  return true
}

async function checkOnServer(zip: Buffer, limits: CaseLimits) {
  const path = join(folder, 'upload.zip')
  await writeFile(path, zip)
  return checkArchive(path, limits).catch((error: unknown) => {
    if (error instanceof Problem && error.type === 'invalid-archive') return undefined
    throw error
  })
}

/** Undefined when it is refused. */
async function unpackOnDevice(zip: Buffer, caseLimits: CaseLimits): Promise<Map<string, Uint8Array> | undefined> {
  const files = createMemoryFiles()
  await files.makeDirectory('ota/pending')
  const path = 'ota/pending/bundle.zip'
  await files.write(path, zip)
  const { maxFiles, maxUnpackedBytes, maxPathBytes } = caseLimits
  const limits = { fileCount: maxFiles, unpackedBytes: maxUnpackedBytes, pathBytes: maxPathBytes }
  const download = { path, sizeBytes: zip.length }
  try {
    const ports = { files, crypto }
    await installArchive({ ports, settings: { limits }, download, release, makeWay: async () => undefined })
  } catch (error) {
    if (error instanceof UpdateError && error.code === 'archive-invalid') return undefined
    throw error
  }
  const tree = files.tree('ota/pending/files') ?? new Map<string, Uint8Array>()
  tree.delete('.hotpatch.json')
  return tree
}

/** A third reader, which believes everything: right for archives that are accepted. */
function readByTheBook(zip: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const end = zip.lastIndexOf('PK\x05\x06', zip.length - 22)
  let at = zip.readUInt32LE(end + 16)
  for (let index = 0; index < zip.readUInt16LE(end + 10); index += 1) {
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field)) as [number, number, number]
    const path = zip.toString('utf8', at + 46, at + 46 + name)
    const header = zip.readUInt32LE(at + 42)
    const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28)
    const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20))
    if (!path.endsWith('/')) files.set(path, zip.readUInt16LE(at + 10) === 8 ? inflateRawSync(packed) : packed)
    at += 46 + name + extra + comment
  }
  return files
}

function sizesOf(files: ReadonlyMap<string, Uint8Array>): Map<string, number> {
  return new Map([...files].map(([path, bytes]) => [path, bytes.length]))
}

const segmentArbitrary = fc.oneof(
  { weight: 12, arbitrary: fc.stringMatching(/^[a-z0-9_-]{1,3}$/) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('A', 'B', 'ü', 'u\u0308', 'ſ', 's', 'Σ', 'ς', '日', '😀', '\ufeff', 'İ', 'ß', 'SS', 'K'),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...'.hotpatch.json|.HOTPATCH.JſON.x|.|..|a.|a |C:|a\\b|a\0|\u0085||con|__proto__|a?b|aux.js|a\u200b|\u200b'.split(
        '|',
      ),
      'n'.repeat(255),
      'n'.repeat(256),
      '日'.repeat(85),
      '日'.repeat(86),
    ),
  },
)
const nameArbitrary = fc
  .tuple(fc.array(segmentArbitrary, { minLength: 1, maxLength: 4 }), fc.nat(9))
  .map(([segments, kind]) => segments.join('/') + (kind === 0 ? '/' : ''))

const contentArbitrary = fc
  .tuple(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(0, 1, 1, 1, 40, 400))
  .map(([bytes, times]) => Buffer.concat(Array.from({ length: times }, () => bytes)))

/** Rarely there: most archives have to be good ones. */
const rare = <T>(arbitrary: fc.Arbitrary<T>, oneIn = 50) =>
  fc.oneof({ weight: oneIn - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
const extraArbitrary = fc
  .tuple(
    fc.constantFrom(0x5455, 0x7875, 0xcafe, 0x0001, 0x7075, 0x000d),
    fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom(new Uint8Array(1_000), new Uint8Array(5_000))),
  )
  .map(([id, data]) => extraField(id, Buffer.from(data)))

const recordArbitrary = fc.record({
  flags: rare(fc.constantFrom(0, 1, 2, 6, 8, 0x20, 0x40, 0x800, 0x808, 0x2000)),
  method: rare(fc.constantFrom(0, 8, 9, 12)),
  crc32: rare(fc.constantFrom(0, 1, 0xffffffff)),
  packedBytes: rare(fc.constantFrom(0, 1, 5, 0xffffffff)),
  unpackedBytes: rare(fc.constantFrom(0, 1, 5, 0xffffffff)),
  extra: rare(extraArbitrary),
})

const entryArbitrary: fc.Arbitrary<ZipEntry> = fc
  .record({
    name: nameArbitrary,
    content: contentArbitrary,
    method: fc.constantFrom(0, 8),
    tail: fc.constantFrom(...Array.from({ length: 6 }, () => ['none', 'signed', 'plain']).flat(), 'wrong'),
    lies: recordArbitrary,
    header: recordArbitrary,
    unixMode: rare(fc.constantFrom(0o040755, 0o120777, 0o100755), 20),
    extra: rare(extraArbitrary, 12),
    isListed: rare(fc.constant(false)),
    before: rare(fc.constant(Buffer.from('x'))),
  })
  .map(({ name, content: filled, tail, lies, header, unixMode, extra, ...entry }) => {
    const isFolder = name.endsWith('/')
    const content = isFolder ? Buffer.alloc(0) : filled
    const isLater = tail !== 'none' && entry.method === 8
    const flags = (isLater ? 8 : 0) | (/^[ -~]*$/.test(name) ? 0 : 0x800)
    const packed = entry.method === 8 ? deflateRawSync(content) : content
    const values = [0x08074b50, crc32(content), packed.length, content.length].slice(tail === 'plain' ? 1 : 0)
    const descriptor = Buffer.concat(values.map((value) => u32(tail === 'wrong' ? (value ^ 1) >>> 0 : value)))
    const later = { crc32: 0, packedBytes: 0, unpackedBytes: 0 }
    return {
      ...given({ ...entry, extra, ...given(lies) }),
      name,
      content,
      packed,
      flags: lies.flags ?? flags,
      unixMode: unixMode ?? (isFolder ? 0o040755 : 0o100644),
      header: { ...(isLater ? later : {}), ...given(header) },
      ...(isLater ? { descriptor } : {}),
    }
  })

const zipArbitrary = fc
  .tuple(
    fc.uniqueArray(entryArbitrary, { minLength: 1, maxLength: 4, selector: ({ name }) => name }),
    fc.record({
      comment: rare(fc.constantFrom('made by a tool', 'PK\x05\x06', 'PK\x06\x07'.repeat(8)), 4),
      zip64: rare(fc.constant(true)),
      entryCount: rare(fc.constantFrom(0, 1, 2, 0xffff)),
      directoryOffset: rare(fc.constantFrom(0, 0xffffffff)),
      afterDirectory: rare(fc.constantFrom(Buffer.from('PK\x06\x06'), Buffer.alloc(22))),
    }),
  )
  .map(([entries, { comment, ...end }]) => writeZip(entries, { ...given(end), comment: Buffer.from(comment ?? '') }))

type Change = (bytes: Buffer, at: number) => Buffer

const byteChange = fc.tuple(
  fc.nat(999),
  fc.nat(255).map((value): Change => (bytes, at) => {
    const changed = Buffer.from(bytes)
    changed[at] = value
    return changed
  }),
)
const spanChange = fc.tuple(
  fc.nat(999),
  fc.oneof(
    fc.nat(20).map(
      (length): Change =>
        (bytes, at) =>
          Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]),
    ),
    fc.nat(20).map((length): Change => (bytes, at) => {
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at)])
    }),
    fc.constantFrom(0, 1, 8, 0x800, 0xffff).map((value): Change => (bytes, at) => {
      const changed = Buffer.from(bytes)
      if (at + 2 <= changed.length) changed.writeUInt16LE(value, at)
      return changed
    }),
  ),
)
const changesArbitrary = fc.array(
  fc.oneof({ weight: 3, arbitrary: byteChange }, { weight: 1, arbitrary: spanChange }),
  {
    minLength: 1,
    maxLength: 2,
  },
)

/** Its place is in thousandths. */
function applyChange(bytes: Buffer, [where, change]: [number, Change]): Buffer {
  return change(bytes, Math.floor((where / 1000) * bytes.length))
}

/** zlib's own choices decide between stored, fixed and dynamic blocks, and how far back they reach. */
const deflatedArbitrary = fc
  .record({
    content: fc.oneof(
      contentArbitrary,
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(50_000)).map(([bytes, length]) => {
        let value = 1
        return Buffer.alloc(length).map((_, index) => {
          value = (value * 1_103_515_245 + 12_345) & 0x7fffffff
          return (bytes[(index * index) % bytes.length] ?? 0) ^ (value % 7 === 0 ? value >> 8 : 0)
        })
      }),
    ),
    level: fc.nat(9),
    memLevel: fc.integer({ min: 1, max: 9 }),
    windowBits: fc.integer({ min: 9, max: 15 }),
    strategy: fc.nat(4),
    parts: fc.integer({ min: 1, max: 3 }),
    flush: fc.constantFrom(constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH, constants.Z_PARTIAL_FLUSH),
  })
  .map(({ content, parts, flush, ...options }) => {
    const length = Math.ceil(content.length / parts)
    const pieces = Array.from({ length: parts }, (_, index) => content.subarray(index * length, (index + 1) * length))
    // A part that is flushed ends in no last block, so that the next one goes on.
    const whole = pieces.map((piece, index) =>
      deflateRawSync(piece, index === parts - 1 ? options : { ...options, finishFlush: flush }),
    )
    return Buffer.concat(whole)
  })

/** Tells the truth about whatever can be made of it. */
function zipOfDeflated(packed: Buffer): Buffer {
  const content = inflated(packed)
  return writeZip([{ name: 'a', packed, crc32: crc32(content), unpackedBytes: content.length }])
}

/** What zlib makes of it, or else a reader that passes over damage: then everything but the damage is as it says. */
function inflated(packed: Buffer): Buffer {
  for (const inflate of [inflateRawSync, inflateLaxly]) {
    try {
      return Buffer.from(inflate(packed))
    } catch {
      // The next one may be less strict.
    }
  }
  return Buffer.alloc(0)
}

/** Without what is undefined, which would replace the true values. */
function given<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never
}
