import { strToU8, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { readZipNames } from './zip-names.ts'

const zip = zipSync({ 'index.html': strToU8('<p>'), 'dist/.env': strToU8('PASSWORD=1'), 'ä/ö.png': strToU8('x') })
const blobOf = (...parts: Uint8Array[]) => new Blob(parts as Uint8Array<ArrayBuffer>[])

function changed(change: (bytes: DataView, end: number) => void): Blob {
  const bytes = zip.slice()
  change(new DataView(bytes.buffer), bytes.length - 22)
  return blobOf(bytes)
}

describe('the names in a zip', () => {
  test('are those of its directory', async () => {
    expect(await readZipNames(blobOf(zip))).toEqual(['index.html', 'dist/.env', 'ä/ö.png'])
  })

  test('are found before a comment, also one that looks like an end', async () => {
    const comment = strToU8('PK\u0005\u0006 and so on, longer than an end is')
    const bytes = zip.slice()
    new DataView(bytes.buffer).setUint16(bytes.length - 2, comment.length, true)
    expect(await readZipNames(blobOf(bytes, comment))).toHaveLength(3)
  })

  test('are found where the directory is named in 64 bits', async () => {
    const view = new DataView(zip.buffer, zip.byteOffset, zip.length)
    const end = zip.length - 22
    const large = new DataView(new ArrayBuffer(56 + 20))
    large.setUint32(0, 0x06064b50, true)
    large.setBigUint64(40, BigInt(view.getUint32(end + 12, true)), true)
    large.setBigUint64(48, BigInt(view.getUint32(end + 16, true)), true)
    large.setUint32(56, 0x07064b50, true)
    large.setBigUint64(64, BigInt(end), true)
    const last = zip.slice(end)
    new DataView(last.buffer).setUint32(16, 0xffff_ffff, true)
    expect(await readZipNames(blobOf(zip.slice(0, end), new Uint8Array(large.buffer), last))).toHaveLength(3)
  })

  test.each([
    ['nothing', blobOf()],
    ['no zip', blobOf(strToU8('hello, this is no zip at all'))],
    ['one that was cut off', blobOf(zip.slice(0, -30))],
    ['one whose directory lies behind its end', changed((bytes, end) => bytes.setUint32(end + 16, 0x7fff_ffff, true))],
    ['one whose directory is too large', changed((bytes, end) => bytes.setUint32(end + 12, 0x7fff_ffff, true))],
    ['one whose directory begins elsewhere', changed((bytes, end) => bytes.setUint32(end + 16, 1, true))],
  ])('are not known of %s', async (_name, blob) => {
    expect(await readZipNames(blob)).toBeUndefined()
  })
})
