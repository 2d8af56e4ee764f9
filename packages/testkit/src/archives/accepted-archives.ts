import {
  descriptorOf,
  extraField,
  HAS_DESCRIPTOR,
  IS_UTF8,
  noise,
  writeZip,
  type ZipEnd,
  type ZipEntry,
} from './archive-builder.ts'

export const file = (name: string, more: ZipEntry = {}): ZipEntry => ({ name, content: 'hello', ...more })
export const zipBomb = Buffer.alloc(4_000_000)
/** The sizes are not in the header. */
export const streamed = { flags: HAS_DESCRIPTOR, header: { crc32: 0, packedBytes: 0, unpackedBytes: 0 } }

/** What the server accepts, and every device unpacks. */
export const acceptedArchives: readonly (readonly [comment: string, entries: ZipEntry[], end?: ZipEnd])[] = [
  ['an empty file', [{ name: 'a' }]],
  ['a stored empty file', [{ name: 'a', method: 0 }]],
  ['a large file that does not compress', [{ name: 'a', content: noise(3_000_000) }]],
  ['a large stored file', [{ name: 'a', content: noise(3_000_000), method: 0 }]],
  ['a large file that compresses well', [{ name: 'a', content: zipBomb }]],
  ['names in UTF-8 that say so', [file('größe/日本語.txt', { flags: IS_UTF8 })]],
  ['names with spaces, brackets and dots', [file('[...slug]/(group)/.well-known/a b.c')]],
  ['names like the one that devices keep', [file('.hotpatch.jso'), file('.hotpatch.jsonx'), file('a/.hotpatch.json')]],
  ['the longest names and path', [file(`${'a'.repeat(150)}/${'b'.repeat(149)}`), file('c'.repeat(255))]],
  ['the same name in different folders', [file('a/x'), file('b/x'), file('x')]],
  ['folders that differ in case', [file('Images/a'), file('images/b')]],
  ['entries in the directory in another order', [file('b', { content: 'bb' }), file('a')].reverse()],
  ['sizes after the content', [file('a', { ...streamed, descriptor: descriptorOf('hello') })]],
  [
    'sizes after the content, without signature',
    [file('a', { ...streamed, descriptor: descriptorOf('hello', { signed: false }) })],
  ],
  ['sizes before and after the content', [file('a', { flags: HAS_DESCRIPTOR, descriptor: descriptorOf('hello') })]],
  [
    'sizes after large content',
    [{ name: 'a', content: zipBomb, ...streamed, descriptor: descriptorOf(zipBomb) }, file('b')],
  ],
  ['a comment', [file('a')], { comment: Buffer.from('made by a tool') }],
  ['the longest comment', [file('a')], { comment: Buffer.alloc(0xffff, 'x') }],
  ['a comment that ends like an end record begins', [file('a')], { comment: Buffer.from('PK\x05\x06') }],
  ['a zip in a zip', [{ name: 'a.zip', method: 0, content: writeZip([file('evil')]) }]],
  ['an unknown extra field', [file('a', { extra: extraField(0x5455, Buffer.alloc(5)) })]],
  ['the longest extra field', [file('a', { extra: extraField(0x5455, Buffer.alloc(1000)) })]],
  [
    'a longer extra field in the header only',
    [file('a', { header: { extra: extraField(0x5455, Buffer.alloc(65_000)) } }), file('b')],
  ],
  ['the name again in an extra field', [file('a', { extra: extraField(0x7075, Buffer.from('\x01\0\0\0\0a')) })]],
  ['a folder that was deflated', [{ name: 'a/' }, file('a/b')]],
  [
    'folders after their files, and an empty one',
    [file('a/b/c'), { name: 'a/', method: 0 }, { name: 'd/', method: 0 }],
  ],
  ['as many files as there may be', Array.from({ length: 50 }, (_, index) => file(`folder/${index}`))],
]
