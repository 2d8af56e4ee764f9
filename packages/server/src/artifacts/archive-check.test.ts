import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { Problem } from '@hotpatch/protocol'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkArchive, type ArchiveLimits } from './archive-check.ts'
import type { ArchiveRule } from './archive-refusal.ts'
import { acceptedArchives, file, streamed, zipBomb } from './testing/accepted-archives.ts'
import {
  descriptorOf,
  extraField,
  HAS_DESCRIPTOR,
  IS_UTF8,
  noise,
  u32,
  writeZip,
  type ZipEntry,
} from './testing/hostile-zip.ts'

const LIMITS: ArchiveLimits = { maxFiles: 50, maxUnpackedBytes: 5_000_000, maxPathBytes: 300 }

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'hotpatch-archive-'))))
afterAll(() => rm(folder, { recursive: true }))

async function check(zip: Buffer, limits: Partial<ArchiveLimits> = {}, signal?: AbortSignal) {
  const path = join(folder, 'upload.zip')
  await writeFile(path, zip)
  return checkArchive(path, { ...LIMITS, ...limits }, signal)
}

async function ruleBrokenBy(zip: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<unknown> {
  const error = await check(zip, limits).then(
    () => undefined,
    (error: unknown) => error,
  )
  if (error === undefined) return 'none'
  if (!(error instanceof Problem)) throw error
  expect(error.type).toBe('invalid-archive')
  expect(error.message).toContain('xpected')
  return error.extensions.rule
}

describe('accepted', () => {
  test('says what is inside', async () => {
    const zip = writeZip([
      { name: 'assets/', method: 0, unixMode: 0o040755, attributes: 0x10 },
      { name: 'assets/a.png', content: noise(100_000), method: 0, unixMode: 0o100644 },
      { name: 'index.bundle', content: 'x'.repeat(1_000_000) },
    ])
    expect(await check(zip)).toEqual({
      fileCount: 2,
      unpackedBytes: 1_100_000,
      files: [
        { path: 'assets/a.png', sizeBytes: 100_000 },
        { path: 'index.bundle', sizeBytes: 1_000_000 },
      ],
    })
  })

  test.each(acceptedArchives)('%s', async (_name, entries, end) => {
    expect(await ruleBrokenBy(writeZip(entries, end))).toBe('none')
  })
})

describe('refused paths', () => {
  const cases: [rule: ArchiveRule, path: string][] = [
    ['path', ''],
    ['path', '/'],
    ['path', '/etc/passwd'],
    ['path', '//server/share'],
    ['path', '..'],
    ['path', '../a'],
    ['path', 'a/../../b'],
    ['path', 'a/..'],
    ['path', 'a/../'],
    ['path', './a'],
    ['path', 'a/./b'],
    ['path', 'a//b'],
    ['path', 'a//'],
    ['path', 'a/b//'],
    ['path', '..\\a'],
    ['path', 'a\\b'],
    ['path', 'C:/a'],
    ['path', 'c:a'],
    ['path', 'a.txt:stream'],
    ['path', 'a\0.png'],
    ['path', 'a\nb'],
    ['path', 'a\x1b[2J'],
    ['path', 'a\x7f'],
    ['path', '.. /a'],
    ['path', 'a./b'],
    ['path', 'a '],
    ['path', '...'],
    ['path', '.hotpatch.json'],
    ['path', '.HotPatch.json'],
    ['path', '.hotpatch.json.tmp'],
    ['path', '.hotpatch.json/'],
    ['path', '.hotpatch.json/a'],
    ['path-length', `${'a/'.repeat(150)}b`],
    ['path-length', 'a'.repeat(256)],
    ['path-length', 'a'.repeat(65_000)],
  ]
  test.each(cases.map(([rule, path]) => [rule, JSON.stringify(path).slice(0, 40), path] as const))(
    '%s: %s',
    async (rule, _name, path) => {
      expect(await ruleBrokenBy(writeZip([file('good'), { name: path }]))).toBe(rule)
    },
  )

  test('control characters beyond ASCII', async () => {
    expect(await ruleBrokenBy(writeZip([file('a\u0085b', { flags: IS_UTF8 })]))).toBe('path')
  })
})

describe('refused names', () => {
  const nfd = 'u\u0308'
  const cases: [rule: ArchiveRule, name: string, entries: ZipEntry[]][] = [
    ['duplicate-name', 'the same file twice', [file('a'), file('b'), file('a')]],
    ['duplicate-name', 'the same folder twice', [{ name: 'a/' }, { name: 'a/' }, file('a/b')]],
    ['duplicate-name', 'names that differ in case', [file('Main.js'), file('main.JS')]],
    ['duplicate-name', 'paths that differ in the case of a folder', [file('Assets/a'), file('assets/a')]],
    [
      'duplicate-name',
      'names that differ in composition',
      [file('ü', { flags: IS_UTF8 }), file(nfd, { flags: IS_UTF8 })],
    ],
    ['duplicate-name', 'names that differ in case folding', [file('ſ', { flags: IS_UTF8 }), file('S')]],
    ['duplicate-name', 'a file where a folder is', [file('a/b'), file('a')]],
    ['duplicate-name', 'a folder where a file is', [file('a'), file('a/b/c')]],
    ['duplicate-name', 'a file where a folder is, in another case', [file('A'), file('a/b')]],
    ['duplicate-name', 'a file and an empty folder', [file('a'), { name: 'a/' }]],
    ['name-encoding', 'UTF-8 that does not say so', [file('ü')]],
    ['name-encoding', 'a name that is no UTF-8', [{ name: Buffer.from([0x61, 0xff]), flags: IS_UTF8 }]],
    ['name-encoding', 'an overlong slash', [{ name: Buffer.from([0x61, 0xc0, 0xaf, 0x62]), flags: IS_UTF8 }]],
    ['header-mismatch', 'another name in the header', [file('good', { header: { name: 'evil' } })]],
    ['header-mismatch', 'another case in the header', [file('good', { header: { name: 'Good' } })]],
    [
      'header-mismatch',
      'another name in an extra field',
      [file('a', { extra: extraField(0x7075, Buffer.from('\x01\0\0\0\0b')) })],
    ],
    [
      'header-mismatch',
      "another name in the header's extra field",
      [file('a', { header: { extra: extraField(0x7075, Buffer.from('\x01\0\0\0\0b')) } })],
    ],
  ]
  test.each(cases)('%s: %s', async (rule, _name, entries) => {
    expect(await ruleBrokenBy(writeZip(entries))).toBe(rule)
  })
})

describe('refused kinds of entries', () => {
  const cases: [rule: ArchiveRule, name: string, entry: ZipEntry][] = [
    ['special-file', 'a symbolic link', file('a', { unixMode: 0o120777 })],
    ['special-file', 'a device', file('a', { unixMode: 0o020666 })],
    ['special-file', 'a pipe', file('a', { unixMode: 0o010666 })],
    ['special-file', 'a socket', file('a', { unixMode: 0o140666 })],
    ['special-file', 'a folder that is named like a file', file('a', { unixMode: 0o040755 })],
    ['special-file', 'a DOS folder that is named like a file', file('a', { attributes: 0x10 })],
    ['special-file', 'a file that is named like a folder', { name: 'a/', unixMode: 0o100644 }],
    ['special-file', 'a folder with content', file('a/')],
    ['special-file', 'a Windows reparse point', file('a', { attributes: 0x400 })],
    ['special-file', 'a field that can hold a link', file('a', { extra: extraField(0x756e, Buffer.alloc(14)) })],
    [
      'special-file',
      'such a field in the header',
      file('a', { header: { extra: extraField(0x000d, Buffer.alloc(14)) } }),
    ],
    ['encrypted', 'encryption', file('a', { flags: 0x1 })],
    ['structure', 'strong encryption', file('a', { flags: 0x40 })],
    ['encrypted', 'an encrypted directory', file('a', { flags: 0x2000 })],
    ['method', 'patch data', file('a', { flags: 0x20 })],
    ['method', 'bzip2', file('a', { method: 12 })],
    ['method', 'deflate64', file('a', { method: 9 })],
    ['method', 'AES', file('a', { method: 99 })],
    [
      'method',
      'a stored entry with its size after the content',
      file('a', { ...streamed, method: 0, descriptor: descriptorOf('hello') }),
    ],
  ]
  test.each(cases)('%s: %s', async (rule, _name, entry) => {
    expect(await ruleBrokenBy(writeZip([file('good'), entry]))).toBe(rule)
  })
})

describe('refused sizes', () => {
  const cases: [rule: ArchiveRule, name: string, zip: Buffer, limits?: Partial<ArchiveLimits>][] = [
    ['file-count', 'no entry', writeZip([])],
    ['file-count', 'folders only', writeZip([{ name: 'a/' }])],
    ['file-count', 'more entries than allowed', writeZip([file('a'), file('b'), file('c')]), { maxFiles: 2 }],
    [
      'unpacked-size',
      'a file that is too large',
      writeZip([{ name: 'a', content: zipBomb }]),
      { maxUnpackedBytes: 3_999_999 },
    ],
    ['unpacked-size', 'files that are too large together', writeZip([file('a'), file('b')]), { maxUnpackedBytes: 9 }],
    [
      'content-mismatch',
      'a bomb that claims to be small',
      writeZip([{ name: 'a', content: zipBomb, unpackedBytes: 100_000 }]),
    ],
    [
      'content-mismatch',
      'a bomb that claims to be tiny',
      writeZip([{ name: 'a', content: zipBomb, unpackedBytes: 1 }]),
    ],
    [
      'content-mismatch',
      'a bomb that claims to be empty',
      writeZip([{ name: 'a', content: zipBomb, unpackedBytes: 0 }]),
    ],
  ]
  test.each(cases)('%s: %s', async (rule, _name, zip, limits) => {
    expect(await ruleBrokenBy(zip, limits)).toBe(rule)
  })
})

describe('refused content', () => {
  const deflated = deflateRawSync('hello')
  const large = noise(600_000)
  const extra = Buffer.alloc(0)
  const cases: [rule: ArchiveRule, name: string, entry: ZipEntry][] = [
    ['content-mismatch', 'one byte less than claimed', file('a', { unpackedBytes: 6 })],
    ['content-mismatch', 'one byte more than claimed', file('a', { unpackedBytes: 4 })],
    ['content-mismatch', 'another CRC-32', file('a', { crc32: 1 })],
    ['content-mismatch', 'another CRC-32 of stored content', file('a', { method: 0, crc32: 1 })],
    ['content-mismatch', 'another CRC-32 of large content', { name: 'a', content: large, crc32: 1 }],
    ['content-mismatch', 'stored content of another size', file('a', { method: 0, unpackedBytes: 6 })],
    ['content-mismatch', 'what cannot be inflated', file('a', { packed: Buffer.from([0xff, 0xff, 0xff]) })],
    ['content-mismatch', 'deflated content that is cut', file('a', { packed: deflated.subarray(0, -1) })],
    [
      'content-mismatch',
      'large deflated content that is cut',
      { name: 'a', content: large, packed: deflateRawSync(large).subarray(0, -1) },
    ],
    ['content-mismatch', 'deflated content without a byte', file('a', { packed: Buffer.alloc(0) })],
    [
      'hidden-data',
      'bytes after the deflated content',
      file('a', { packed: Buffer.concat([deflated, Buffer.from('evil')]) }),
    ],
    [
      'hidden-data',
      'bytes after large deflated content',
      { name: 'a', content: large, packed: Buffer.concat([deflateRawSync(large), noise(300_000)]) },
    ],
    ['header-mismatch', 'another method in the header', file('a', { header: { method: 0 } })],
    ['header-mismatch', 'another flag in the header', file('a', { header: { flags: HAS_DESCRIPTOR } })],
    ['header-mismatch', 'another size in the header', file('a', { header: { unpackedBytes: 6 } })],
    ['header-mismatch', 'another packed size in the header', file('a', { header: { packedBytes: 1 } })],
    ['header-mismatch', 'another CRC-32 in the header', file('a', { header: { crc32: 1 } })],
    ['header-mismatch', 'no sizes in the header', file('a', { header: { packedBytes: 0, unpackedBytes: 0 } })],
    [
      'zip64',
      'a zip64 field in the directory',
      file('a', { extra: extraField(1, Buffer.alloc(16)), header: { extra } }),
    ],
    ['zip64', 'a zip64 field in the header', file('a', { header: { extra: extraField(1, Buffer.alloc(16)) } })],
    ['zip64', 'an empty zip64 field', file('a', { extra: extraField(1, Buffer.alloc(0)) })],
    ['structure', 'an extra field that is cut', file('a', { header: { extra: Buffer.concat([u32(0x00ff_5455)]) } })],
    [
      'header-mismatch',
      'another size after the content',
      file('a', { ...streamed, descriptor: descriptorOf('hell0!') }),
    ],
    ['header-mismatch', 'no size after the content', file('a', streamed)],
    [
      'hidden-data',
      'more than the sizes after the content',
      file('a', { ...streamed, descriptor: Buffer.concat([descriptorOf('hello'), noise(20)]) }),
    ],
  ]
  test.each(cases)('%s: %s', async (rule, _name, entry) => {
    expect(await ruleBrokenBy(writeZip([entry, file('last')]))).toBe(rule)
    expect(await ruleBrokenBy(writeZip([file('first'), entry]))).toBe(rule)
  })
})

describe('refused structure', () => {
  const whole = writeZip([file('a'), file('b')])
  const hidden = writeZip([file('evil')])
  const kernel = Buffer.from('hello')
  const zip64End = Buffer.concat([Buffer.from('PK\x06\x06'), Buffer.alloc(52)])
  const shared = { packed: kernel, content: kernel, method: 0 }
  const cases: [rule: ArchiveRule, name: string, zip: Buffer][] = [
    ['structure', 'an empty upload', Buffer.alloc(0)],
    ['structure', 'no zip', Buffer.from('<html>'.repeat(100))],
    ['structure', 'a zip without its end', whole.subarray(0, -30)],
    ['hidden-data', 'a zip without its start', whole.subarray(20)],
    ['structure', 'bytes after the end', Buffer.concat([whole, Buffer.from('evil')])],
    [
      'structure',
      'a comment that is longer than it says',
      writeZip([file('a')], { comment: Buffer.from('evil'), commentBytes: 2 }),
    ],
    ['structure', 'a comment that is shorter than it says', writeZip([file('a')], { commentBytes: 2 })],
    ['hidden-data', 'bytes before the first entry', writeZip([file('a', { before: Buffer.from('#!/bin/sh\n') })])],
    ['hidden-data', 'bytes between entries', writeZip([file('a'), file('b', { before: noise(10) })])],
    ['hidden-data', 'an entry that is not listed', writeZip([file('a'), file('evil', { isListed: false }), file('b')])],
    ['hidden-data', 'an unlisted first entry', writeZip([file('evil', { isListed: false }), file('b')])],
    [
      'hidden-data',
      'bytes between the entries and the directory',
      writeZip([file('a')], { beforeDirectory: noise(10) }),
    ],
    ['hidden-data', 'bytes between the directory and the end', writeZip([file('a')], { afterDirectory: noise(10) })],
    ['hidden-data', 'another archive in the comment', writeZip([file('a')], { comment: hidden })],
    ['hidden-data', 'one zip after another', Buffer.concat([whole, hidden])],
    [
      'overlap',
      'two entries with one content',
      writeZip([file('a', shared), file('b', { ...shared, offset: 0, isListed: true })]),
    ],
    ['overlap', 'an entry that starts inside another', writeZip([file('a'), file('b', { offset: 3 })])],
    ['overlap', 'an entry behind the end', writeZip([file('a'), file('b', { offset: 100_000 })])],
    ['structure', 'fewer entries than listed', writeZip([file('a'), file('b')], { entryCount: 1 })],
    ['structure', 'more entries than listed', writeZip([file('a')], { entryCount: 2 })],
    ['structure', 'a part of several archives', writeZip([file('a')], { disk: 1 })],
    ['structure', 'entries in another part', writeZip([file('a')], { entriesHere: 0, entryCount: 1 })],
    ['hidden-data', 'a directory that is larger than it is', writeZip([file('a')], { directoryBytes: 10_000 })],
    ['hidden-data', 'a directory that is smaller than it is', writeZip([file('a'), file('b')], { directoryBytes: 46 })],
    ['hidden-data', 'a directory somewhere else', writeZip([file('a')], { directoryOffset: 3 })],
    ['zip64', 'a zip64 end record', writeZip([file('a'), file('b')], { zip64: true })],
    ['zip64', 'a zip64 end record that is needed', writeZip([file('a')], { zip64: true, directoryOffset: 0xffffffff })],
    ['zip64', 'a count that is elsewhere', writeZip([file('a')], { entryCount: 0xffff })],
    ['zip64', 'a size that is elsewhere', writeZip([file('a')], { directoryBytes: 0xffffffff })],
    ['zip64', 'an offset that is elsewhere', writeZip([file('a')], { directoryOffset: 0xffffffff })],
    ['hidden-data', 'a zip64 end record that nothing leads to', writeZip([file('a')], { afterDirectory: zip64End })],
    ['structure', 'a directory of extra fields', writeZip([file('a', { extra: extraField(9, Buffer.alloc(1400)) })])],
  ]
  test.each(cases)('%s: %s', async (rule, _name, zip) => {
    expect(await ruleBrokenBy(zip)).toBe(rule)
  })

  test('a header in the middle of an entry', async () => {
    const zip = writeZip([{ name: 'a', method: 0, content: writeZip([file('x')]) }, file('x', { offset: 31 })])
    // Both entries break a rule, and they are checked at the same time.
    expect(['overlap', 'hidden-data']).toContain(await ruleBrokenBy(zip))
  })

  test('a zip that is cut anywhere', async () => {
    const zip = writeZip([file('a'), file('b/c', { method: 0 })])
    for (let length = 0; length < zip.length; length += 1) {
      expect(await ruleBrokenBy(zip.subarray(0, length))).not.toBe('none')
    }
  })

  test('whatever byte is changed: it is refused, or the same files come out', async () => {
    const zip = writeZip([file('a', { content: 'x'.repeat(60) }), file('b/c', { method: 0 })])
    for (let index = 0; index < zip.length; index += 1) {
      const changed = Buffer.from(zip)
      changed.writeUInt8((zip[index] ?? 0) ^ 0x11, index)
      const outcome = await check(changed).catch((error: unknown) => error)
      if (outcome instanceof Problem) expect(outcome.type).toBe('invalid-archive')
      else expect(outcome).toMatchObject({ fileCount: 2, unpackedBytes: 65 })
    }
  })
})

test('the refusal names the entry, shortened', async () => {
  const error = await check(writeZip([file(`../${'a'.repeat(60_000)}`)])).catch((error: unknown) => error)
  expect(error).toMatchObject({ extensions: { rule: 'path-length', entry: `../${'a'.repeat(197)}…` } })
  expect((error as Problem).message.length).toBeLessThan(400)
})

test('the refusal of ZIP64 says what to do', async () => {
  const error = await check(writeZip([file('a')], { zip64: true })).catch((error: unknown) => error)
  expect(error).toMatchObject({ message: expect.stringContaining('`hotpatch release`') })
})

test('an aborted check stops with the reason', async () => {
  const reason = new Error('the client went away')
  await expect(check(writeZip([file('a')]), {}, AbortSignal.abort(reason))).rejects.toBe(reason)
})

test('a file that cannot be read is not blamed on the archive', async () => {
  await expect(checkArchive(join(folder, 'missing.zip'), LIMITS)).rejects.toMatchObject({ code: 'ENOENT' })
})
