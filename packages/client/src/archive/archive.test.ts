import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { utf8FromText } from '../bytes.ts'
import { createMemoryFiles } from '../memory/memory-files.ts'
import { createNodeCrypto } from '../node/node-crypto.ts'
import { inspectSlot } from '../release-tree.ts'
import { DEFAULT_LIMITS } from '../settings.ts'
import { PENDING, PENDING_ZIP } from '../storage-layout.ts'
import { buildArchive, type BuiltEntry } from '../testing/archive-builder.ts'
import { extractPending } from './extract.ts'

const crypto = createNodeCrypto()
const release = { releaseId: 'release-1', version: '1.0.0', sequence: 1, sha256: '0'.repeat(64) }
const SMALL = { ...DEFAULT_LIMITS, unpackedBytes: 10_000, fileCount: 5, pathBytes: 40 }

async function extract(zip: Uint8Array, limits = DEFAULT_LIMITS) {
  const files = createMemoryFiles()
  await files.makeDirectory(PENDING)
  await files.write(PENDING_ZIP, zip)
  const failure = await extractPending({ files, crypto }, release, zip.length, limits).catch((error: unknown) => error)
  return { files, failure }
}

describe('archives that are what they say', () => {
  const big = new Uint8Array(900_000).map((_, index) => (index * index) >> 7)
  const content = {
    'index.bundle': utf8FromText('hello '.repeat(1000)),
    'assets/deep/big.bin': big,
    'assets/empty.txt': new Uint8Array(),
    'assets/Ünïcode ☃.txt': utf8FromText('snow'),
  }

  test.each([
    ['packed', zipSync(content)],
    ['stored', zipSync(content, { level: 0 })],
    ['with directories', buildArchive([{ name: 'a/', content: '', mode: 0o040755 }, { name: 'a/b' }])],
    ['without modes', buildArchive([{ name: 'a/b', mode: 0, deflated: true }])],
    ['with a comment', buildArchive([{ name: 'a' }], { comment: 'made by hand' })],
    ['with sizes after the content', buildArchive([{ name: 'a', deflated: true, flags: 0x808 }])],
  ])('%s: unpacked, marked, and whole', async (_, zip) => {
    const { files, failure } = await extract(zip)
    expect(failure).toBeUndefined()
    expect(await inspectSlot({ files, crypto }, 'pending', { thorough: true })).toEqual(release)
    // The engine's next step, the metadata, makes these durable.
    await files.syncDirectory('')
    await files.syncDirectory('ota')
    const survivor = files.cutPower('worst')
    expect(await inspectSlot({ files: survivor, crypto }, 'pending', { thorough: true })).toEqual(release)
  })

  test('every byte arrives', async () => {
    const { files } = await extract(zipSync(content))
    for (const [path, bytes] of Object.entries(content)) {
      expect(await files.read(`ota/pending/files/${path}`)).toEqual(bytes)
    }
  })
})

const bomb = { name: 'bomb', content: new Uint8Array(9_000), deflated: true }

const refused: [name: string, entries: BuiltEntry[], message: string, end?: { count?: number }][] = [
  ['a climbing path', [{ name: '../evil' }], 'climbs'],
  ['a climbing path further in', [{ name: 'a/../../evil' }], 'climbs'],
  ['a dot', [{ name: './a' }], 'as a folder'],
  ['an empty segment', [{ name: 'a//b' }], 'an empty name'],
  ['no name', [{ name: '' }], 'an empty name'],
  ['an absolute path', [{ name: '/etc/passwd' }], 'absolute'],
  ['a backslash', [{ name: '..\\evil' }], 'backslash'],
  ['a drive letter', [{ name: 'C:evil' }], 'drives'],
  ['an alternate stream', [{ name: 'a:b' }], 'colon'],
  ['a name that ends in a dot', [{ name: 'a./b' }], 'ends in a dot'],
  ['a name that ends in a space', [{ name: 'a ' }], 'ends in a dot or a space'],
  ['a NUL', [{ name: 'a\0b' }], 'control'],
  ['a newline', [{ name: 'a\nb' }], 'control'],
  ['a name that is not UTF-8', [{ name: Uint8Array.of(0x61, 0xff) }], 'UTF-8'],
  ['an overlong name', [{ name: Uint8Array.of(0xc0, 0xae, 0xc0, 0xae) }], 'UTF-8'],
  ['the engine’s own name', [{ name: '.HotPatch.json' }], 'keep for themselves'],
  ['the engine’s own name as a folder', [{ name: '.hotpatch.json/a' }], 'keep for themselves'],
  ['the same path twice', [{ name: 'a' }, { name: 'a' }], 'only one can be'],
  ['the same path in another case', [{ name: 'Logo.png' }, { name: 'logo.PNG' }], 'only one can be'],
  ['the same path in another normal form', [{ name: 'caf\u00e9' }, { name: 'cafe\u0301' }], 'only one can be'],
  ['a file that is also a directory', [{ name: 'a' }, { name: 'A/b' }], 'only one can be'],
  ['a symbolic link', [{ name: 'a', content: '/etc/passwd', mode: 0o120777 }], 'link'],
  ['a device', [{ name: 'a', mode: 0o060666 }], 'link or a device'],
  ['an encrypted entry', [{ name: 'a', flags: 0x801 }], 'encrypted'],
  ['an unknown method', [{ name: 'a', method: 12 }], 'method 12'],
  ['too many entries', Array.from({ length: 6 }, (_, index) => ({ name: `f${index}` })), 'entries'],
  ['a long path', [{ name: 'a'.repeat(41) }], 'more than 40'],
  ['too much in all', [bomb, { ...bomb, name: 'bomb2' }], 'unpacked'],
  ['more than the entry says', [{ ...bomb, sizeBytes: 10 }], 'larger than it says'],
  ['less than the entry says', [{ ...bomb, sizeBytes: 9_500 }], 'smaller than it says'],
  ['a stored entry with two sizes', [{ name: 'a', content: 'abc', sizeBytes: 2 }], 'lies about its size'],
  ['another checksum', [{ name: 'a', crc: 1 }], 'checksum'],
  ['a damaged stream', [{ name: 'a', deflated: true, packed: new Uint8Array(30).fill(0xff) }], 'damaged'],
  ['a stream that ends early', [{ ...bomb, packed: Uint8Array.of(0xed) }], ''],
  ['two names for one entry', [{ name: 'a', localName: 'b' }], 'two different ways'],
  [
    'two sizes for one entry',
    [
      { name: 'a', content: 'abc', packedBytes: 3 },
      { name: 'b', headerOffset: 0 },
    ],
    'overlaps',
  ],
  ['a header that is elsewhere', [{ name: 'a', headerOffset: 1 }], ''],
  ['a header outside', [{ name: 'a', headerOffset: 0xfffffff }], ''],
  ['fewer entries than it says', [{ name: 'a' }], 'torn', { count: 2 }],
  ['more entries than it says', [{ name: 'a' }, { name: 'b' }], '', { count: 1 }],
  ['nothing but directories', [{ name: 'a/', content: '', mode: 0o040755 }], 'no files'],
  ['a directory with content', [{ name: 'a/', content: 'x', mode: 0o040755 }], 'directory with content'],
]

describe('archives that are refused (Engine §4)', () => {
  test.each(refused)('%s', async (_, entries, message, end) => {
    const { files, failure } = await extract(buildArchive(entries, end), SMALL)
    expect(failure).toMatchObject({ code: 'archive-invalid', message: expect.stringContaining(message) })
    expect(await inspectSlot({ files, crypto }, 'pending')).toBeUndefined()
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['something else', utf8FromText('this is no archive at all, but long enough to be one')],
    ['half an archive', zipSync({ a: new Uint8Array(500) }, { level: 0 }).subarray(0, 300)],
    ['something before the archive', Uint8Array.of(1, ...buildArchive([{ name: 'a' }]))],
    ['something after it', Uint8Array.of(...buildArchive([{ name: 'a' }]), 1)],
  ])('%s', async (_, zip) => {
    expect((await extract(zip)).failure).toMatchObject({ code: 'archive-invalid' })
  })
})
