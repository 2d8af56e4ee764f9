import { createHash } from 'node:crypto'
import { canonicalJson, sealedText } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/audit/chain.json' with { type: 'json' }
import { verifyChain } from './verify-chain.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

describe('vectors/audit/chain.json', () => {
  test.each(vectors.canonical)('canonical JSON: $comment', ({ value, text, sha256: hash }) => {
    expect(canonicalJson(value)).toBe(text)
    expect(sha256(text)).toBe(hash)
  })

  test.each(vectors.seals)('$comment', ({ line, text }) => {
    expect(sealedText(line as unknown as Parameters<typeof sealedText>[0])).toBe(text)
    expect(sha256(text)).toBe(line.hash)
  })

  test.each(vectors.exports)('an export: $comment', async ({ lines, known, partial, finds }) => {
    async function* each() {
      yield* lines
    }
    const { findings } = await verifyChain(each(), { known, partial })
    expect(findings.map(({ kind, position }) => [kind, position])).toEqual(finds)
  })
})
