import { generateKeyPairSync, sign } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readSignedAppcast, writeSignedAppcast } from './signed-appcast.ts'

const { privateKey } = generateKeyPairSync('ed25519')
const valueOf = (content: string) => sign(null, Buffer.from(content), privateKey).toString('base64')

/** As Sparkle takes one apart: Appcast §7. */
function asSparkle(bytes: Buffer): { content: Buffer; value: string } | undefined {
  const begin = Buffer.from('<!-- sparkle-signatures:\n')
  const at = bytes.lastIndexOf(begin)
  const end = at < 0 ? -1 : bytes.indexOf('-->', at + begin.length)
  if (end < 0) return undefined
  const lines = bytes
    .subarray(at + begin.length, end)
    .toString()
    .split('\n')
  const value = lines.find((line) => line.startsWith('edSignature:'))?.slice('edSignature:'.length)
  return { content: bytes.subarray(0, at), value: value?.trim() ?? '' }
}

test('what is written is read as it was, here and by Sparkle, whatever the feed says', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.constantFrom('<!-- sparkle-signatures:\n', '-->', '<!-- sparkle-signatures:\nedSignature: x\n-->\n'),
  )
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 4 }), (parts) => {
      const content = parts.join('')
      const value = valueOf(content)
      const written = writeSignedAppcast({ content, value })
      expect(readSignedAppcast(written)).toEqual({ content, value })
      expect(asSparkle(Buffer.from(written))).toEqual({ content: Buffer.from(content), value })
    }),
    { numRuns: 100 },
  )
})

const content = '<rss/>\n'
const signed = writeSignedAppcast({ content, value: valueOf(content) })

test.each([
  ['without a signature', content, /found none/],
  ['with more behind it', `${signed}<item/>`, /found something else/],
  ['with a line that is none of its', signed.replace('length', 'dsaSignature: x\nlength'), /found something else/],
  ['with a signature that is too short', signed.replace(/edSignature: .{4}/, 'edSignature: '), /found something else/],
  ['of another length', signed.replace(/length: \d+/, 'length: 6'), /expected 7, .* found 6/],
  ['with one byte more before it', ` ${signed}`, /expected 8, .* found 7/],
  ['of two, the last without a length', `${signed}<!-- sparkle-signatures:\n-->`, /found something else/],
])('one %s is none', (_name, text, fault) => {
  expect(readSignedAppcast(text)).toMatch(fault)
})
