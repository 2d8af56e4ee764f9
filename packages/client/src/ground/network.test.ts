import { isAllowedAddress, resolveLocation, retryAfter } from '@hotpatch/device-ground'
import { hexFromBytes } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/engine/network.json' with { type: 'json' }
import { bytesFromBase64 } from './bytes.ts'

describe('what comes from the network as text (vectors/engine/network.json)', () => {
  test.each(vectors.addresses)('an address: $comment', ({ url, never, loopback, anywhere }) => {
    expect(isAllowedAddress(url, false)).toBe(never)
    expect(isAllowedAddress(url, 'loopback')).toBe(loopback)
    expect(isAllowedAddress(url, true)).toBe(anywhere)
  })

  test.each(vectors.locations)('a redirect: $comment', ({ from, location, leadsTo }) => {
    expect(resolveLocation(from, location ?? undefined) ?? null).toBe(leadsTo)
  })

  test.each(vectors.retryAfter.cases)('patience: $comment', ({ headers, ms }) => {
    const { now, maxMs } = vectors.retryAfter
    expect(retryAfter(headers as Record<string, string>, now, maxMs) ?? null).toBe(ms)
  })

  test.each(vectors.base64)('base64: $text', ({ text, hex }) => {
    const bytes = bytesFromBase64(text)
    expect(bytes ? hexFromBytes(bytes) : null).toBe(hex)
  })
})
