import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bundleAddress, joinAddress, MANIFEST_PATH } from './addresses.ts'
import { decideBundle, type BundleDecision, type Situation } from './decide-bundle.ts'

interface Vectors {
  manifestAddresses: { comment: string; serverUrl: string; expected: string | null }[]
  bundleAddresses: { comment: string; serverUrl: string; url: string; expected: string | null }[]
  decisions: { comment: string; manifest: unknown; situation: Situation; expected: Partial<BundleDecision> }[]
}

const vectors = JSON.parse(
  readFileSync(new URL('../../../../vectors/web-bundle.json', import.meta.url), 'utf8'),
) as Vectors

describe('where the manifest is', () => {
  test.each(vectors.manifestAddresses)('$comment', ({ serverUrl, expected }) => {
    expect(joinAddress(serverUrl, MANIFEST_PATH) ?? null).toBe(expected)
  })
})

describe('where the bundle is', () => {
  test.each(vectors.bundleAddresses)('$comment', ({ serverUrl, url, expected }) => {
    expect(bundleAddress(serverUrl, url) ?? null).toBe(expected)
  })
})

describe('what is done about a manifest', () => {
  test.each(vectors.decisions)('$comment', ({ manifest, situation, expected }) => {
    const { detail, ...decision } = { detail: undefined, ...decideBundle(manifest, situation) }
    expect(decision).toEqual(expected)
    if (decision.kind === 'nothing') expect(detail).toMatch(/\w/)
  })

  const anything = fc.oneof(fc.anything(), fc.record({ version: fc.anything(), url: fc.anything() }))
  const manifest = fc.record({
    version: fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('1.0.0', '1.2.0', '2.0.0-rc.1')),
    url: fc.oneof(fc.webUrl(), fc.string({ maxLength: 20 }), fc.constantFrom('/b.zip', 'b.zip')),
    checksum: fc.constantFrom('a'.repeat(64), 'b'.repeat(64), 'A'.repeat(64)),
    minNativeVersion: fc.constantFrom('0.0.0', '1.0.0', '1.0.1', '10.0.0', 'x'),
  })
  const situation = fc.record({
    serverUrl: fc.constantFrom('https://host.example/sub/', 'http://10.0.0.5', 'nowhere'),
    currentVersion: fc.constantFrom('1.0.0', '1.2.0', '', 'builtin'),
    nativeVersion: fc.constantFrom('1.0.0', '2.0.0', 'default', ''),
    broken: fc.constantFrom([], [{ version: '1.2.0', checksum: 'a'.repeat(64) }]),
    allowInsecure: fc.constantFrom(true, false, 'loopback' as const),
  })

  test('it answers anything, with a reason', () => {
    fc.assert(
      fc.property(fc.oneof(anything, manifest), situation, (json, told) => {
        expect(decideBundle(json, told).reason).toMatch(/^[a-z-]+$/)
      }),
      { numRuns: 500 },
    )
  })

  test('what is downloaded is another version, not broken here, and has an absolute address that is as safe as the server', () => {
    fc.assert(
      fc.property(manifest, situation, (json, told) => {
        const decision = decideBundle(json, told)
        if (decision.kind !== 'download') return
        expect(decision.manifest.version).not.toBe(told.currentVersion)
        expect(told.broken.map(({ checksum }) => checksum)).not.toContain(decision.manifest.checksum)
        expect(decision.manifest.url).toMatch(told.serverUrl.startsWith('https:') ? /^https:\/\//i : /^https?:\/\//i)
        expect(decision.manifest.minNativeVersion).not.toBe('10.0.0')
      }),
      { numRuns: 2000 },
    )
  })
})
