import {
  deflated,
  descriptorOf,
  extraField,
  HAS_DESCRIPTOR,
  IS_UTF8,
  noise,
  u32,
  writeZip,
  type ZipEntry,
} from './archive-builder.ts'
import { file, streamed, zipBomb } from './accepted-archives.ts'
import type { ArchiveCase, CaseLimits } from './archive-case.ts'

type Refused<What> = readonly (readonly [rule: string, comment: string, what: What])[]

const paths: Refused<string> = [
  ['path', 'no name', ''],
  ['path', 'an absolute path', '/etc/passwd'],
  ['path', 'a climbing path', 'a/../../b'],
  ['path', 'a climbing folder', 'a/../'],
  ['path', 'an empty name', 'a//b'],
  ['path', 'a backslash', '..\\a'],
  ['path', 'a drive', 'C:/a'],
  ['path', 'an alternate stream', 'a.txt:stream'],
  ['path', 'a NUL', 'a\0.png'],
  ['path', 'a control character beyond ASCII', 'a\u0085b'],
  ['path', 'a name that ends in a space', 'a '],
  ['path', 'a sign that Windows forbids', 'a?.png'],
  ['path', 'a device of Windows', 'assets/aux.png'],
  ['path', 'a name of nothing visible', 'a/\u200b/b'],
  ['path', 'the name that devices keep', '.HotPatch.json'],
  ['path', 'the name that devices keep, as a folder', '.hotpatch.json/a'],
  ['path', 'the name that devices keep, as an empty folder', '.hotpatch.json/'],
  ['path-length', 'a long path', `${'a/'.repeat(150)}b`],
  ['path-length', 'a long name', 'a'.repeat(256)],
  ['path-length', 'the longest name that a zip can have', 'a'.repeat(65_535)],
]

const nfd = 'u\u0308'
const names: Refused<ZipEntry[]> = [
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
  ['duplicate-name', 'names that differ in an invisible character', [file('a'), file('a\u200b', { flags: IS_UTF8 })]],
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

const kinds: Refused<ZipEntry> = [
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

const sizes: readonly (readonly [rule: string, comment: string, zip: Buffer, limits?: Partial<CaseLimits>])[] = [
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
  ['content-mismatch', 'a bomb that claims to be tiny', writeZip([{ name: 'a', content: zipBomb, unpackedBytes: 1 }])],
  ['content-mismatch', 'a bomb that claims to be empty', writeZip([{ name: 'a', content: zipBomb, unpackedBytes: 0 }])],
]

const hello = deflated('hello')
const unconfirmedLength = Buffer.concat([Buffer.from([0x01, 5, 0, 0, 0]), Buffer.from('hello')])
const endless = Buffer.concat([Buffer.from([0x00, 5, 0, 0xfa, 0xff]), Buffer.from('hello')])
const large = noise(600_000)
const extra = Buffer.alloc(0)
const contents: Refused<ZipEntry> = [
  ['content-mismatch', 'one byte less than claimed', file('a', { unpackedBytes: 6 })],
  ['content-mismatch', 'one byte more than claimed', file('a', { unpackedBytes: 4 })],
  ['content-mismatch', 'another CRC-32', file('a', { crc32: 1 })],
  ['content-mismatch', 'another CRC-32 of stored content', file('a', { method: 0, crc32: 1 })],
  ['content-mismatch', 'another CRC-32 of large content', { name: 'a', content: large, crc32: 1 }],
  ['content-mismatch', 'stored content of another size', file('a', { method: 0, unpackedBytes: 6 })],
  ['content-mismatch', 'what cannot be inflated', file('a', { packed: Buffer.from([0xff, 0xff, 0xff]) })],
  ['content-mismatch', 'deflated content that is cut', file('a', { packed: hello.subarray(0, -1) })],
  [
    'content-mismatch',
    'large deflated content that is cut',
    { name: 'a', content: large, packed: deflated(large).subarray(0, -1) },
  ],
  ['content-mismatch', 'deflated content without a byte', file('a', { packed: Buffer.alloc(0) })],
  // Damage that some readers pass over: what they get has the CRC-32 that is said.
  ['content-mismatch', 'a stored block whose length is not confirmed', file('a', { packed: unconfirmedLength })],
  [
    'content-mismatch',
    'a copy from before the beginning',
    { name: 'a', content: Buffer.alloc(3), packed: Buffer.from([0x03, 0x02, 0x00]) },
  ],
  ['content-mismatch', 'content whose last block is not the last', file('a', { packed: endless })],
  [
    'hidden-data',
    'bytes after the deflated content',
    file('a', { packed: Buffer.concat([hello, Buffer.from('evil')]) }),
  ],
  [
    'hidden-data',
    'bytes after large deflated content',
    { name: 'a', content: large, packed: Buffer.concat([deflated(large), noise(300_000)]) },
  ],
  ['hidden-data', 'bytes after stored content', file('a', { method: 0, descriptor: noise(3) })],
  ['hidden-data', 'a descriptor that is not announced', file('a', { descriptor: descriptorOf('hello') })],
  ['header-mismatch', 'another method in the header', file('a', { header: { method: 0 } })],
  ['header-mismatch', 'another flag in the header', file('a', { header: { flags: HAS_DESCRIPTOR } })],
  ['header-mismatch', 'another size in the header', file('a', { header: { unpackedBytes: 6 } })],
  ['header-mismatch', 'another packed size in the header', file('a', { header: { packedBytes: 1 } })],
  ['header-mismatch', 'another CRC-32 in the header', file('a', { header: { crc32: 1 } })],
  ['header-mismatch', 'no sizes in the header', file('a', { header: { packedBytes: 0, unpackedBytes: 0 } })],
  ['zip64', 'a zip64 field in the directory', file('a', { extra: extraField(1, Buffer.alloc(16)), header: { extra } })],
  ['zip64', 'a zip64 field in the header', file('a', { header: { extra: extraField(1, Buffer.alloc(16)) } })],
  ['zip64', 'an empty zip64 field', file('a', { extra: extraField(1, Buffer.alloc(0)) })],
  ['structure', 'an extra field that is cut', file('a', { header: { extra: Buffer.concat([u32(0x00ff_5455)]) } })],
  ['header-mismatch', 'another size after the content', file('a', { ...streamed, descriptor: descriptorOf('hell0!') })],
  ['header-mismatch', 'no size after the content', file('a', streamed)],
  [
    'hidden-data',
    'more than the sizes after the content',
    file('a', { ...streamed, descriptor: Buffer.concat([descriptorOf('hello'), noise(20)]) }),
  ],
]

const whole = writeZip([file('a'), file('b')])
const hidden = writeZip([file('evil')])
const kernel = Buffer.from('hello')
const zip64End = Buffer.concat([Buffer.from('PK\x06\x06'), Buffer.alloc(52)])
const shared = { packed: kernel, content: kernel, method: 0 }
const structures: Refused<Buffer> = [
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
  ['hidden-data', 'bytes between the entries and the directory', writeZip([file('a')], { beforeDirectory: noise(10) })],
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

/** What the server and every device refuse, each for one reason. */
export const refusedArchives: readonly ArchiveCase[] = [
  ...paths.map(([rule, comment, name]) => {
    const flags = /^[\0-\x7f]*$/.test(name) ? 0 : IS_UTF8
    return { rule, comment, zip: writeZip([file('good'), { name, flags }]) }
  }),
  ...names.map(([rule, comment, entries]) => ({ rule, comment, zip: writeZip(entries) })),
  ...kinds.map(([rule, comment, entry]) => ({ rule, comment, zip: writeZip([file('good'), entry]) })),
  ...sizes.map(([rule, comment, zip, limits]) => ({ rule, comment, zip, ...(limits && { limits }) })),
  ...contents.flatMap(([rule, comment, entry]) => [
    { rule, comment: `${comment}, in the first entry`, zip: writeZip([entry, file('last')]) },
    { rule, comment: `${comment}, in the last entry`, zip: writeZip([file('first'), entry]) },
  ]),
  ...structures.map(([rule, comment, zip]) => ({ rule, comment, zip })),
]
