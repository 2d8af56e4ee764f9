import { createPublicKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UnexpectedJsonError } from '../json-reader.ts'
import { readStatement, writeStatement } from '../statement.ts'
import { readInstalledKit, writeInstalledKit, type InstalledKit } from './installed-kit.ts'
import { MAX_KIT_MANIFEST_BYTES, readKitManifest, writeKitManifest, type KitManifest } from './kit-manifest.ts'

interface Refused {
  pointer: string
  comment: string
  text: string
}

interface ManifestVectors {
  accepted: { comment: string; text: string; reads: Omit<KitManifest, 'document'> }[]
  signed: { name: string; text: string; sizeBytes: number; signature: string }[]
  restated: { comment: string; text: string; sequence: number; floor: number; createdAt: string; restated: string }[]
  rejected: Refused[]
}

interface InstalledVectors {
  read: { comment: string; text: string; reads: Omit<InstalledKit, 'document'> }[]
  rejected: Refused[]
  written: { comment: string; kit: Omit<InstalledKit, 'document'>; text: string }[]
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../vectors/${name}.json`, import.meta.url), 'utf8'))
}

const { accepted, signed, restated, rejected } = read('kit/manifests') as ManifestVectors
const installed = read('kit/installed') as InstalledVectors
const { testOnlyKeys } = read('signing') as { testOnlyKeys: { publicKeyDer: string }[] }

function pointerOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return error.pointer
    throw error
  }
}

describe('manifests (Kits §1)', () => {
  test.each(accepted)('read: $comment', ({ text, reads }) => {
    const { document, ...manifest } = readKitManifest(text)
    expect(manifest).toEqual(reads)
    expect(document).toEqual(JSON.parse(text))
    expect(({} as { channel?: string }).channel).toBeUndefined()
  })

  test.each(rejected)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readKitManifest(text))).toBe(pointer)
  })

  test.each(signed)('$name: the signature is over the bytes', ({ text, sizeBytes, signature }) => {
    const der = Buffer.from(testOnlyKeys[0]?.publicKeyDer ?? '', 'base64')
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    expect(Buffer.byteLength(text)).toBe(sizeBytes)
    expect(verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'))).toBe(true)
    expect(readStatement(text).content?.kind).toBe('kit')
  })

  test.each(restated)('stated again, byte for byte: $comment', ({ text, restated: again, ...said }) => {
    const { sequence, floor, createdAt } = said
    expect(writeStatement({ ...readStatement(text), sequence, floor, createdAt })).toBe(again)
    expect(readKitManifest(again).components).toEqual(readKitManifest(text).components)
    expect(writeKitManifest(readKitManifest(again))).toBe(again)
  })

  test('have at most so many bytes, and notes of so many characters', () => {
    const [{ text } = { text: '' }] = accepted
    const withField = (name: string, value: string) => JSON.stringify({ ...JSON.parse(text), [name]: value })
    const room = MAX_KIT_MANIFEST_BYTES - Buffer.byteLength(withField('later', ''))
    expect(pointerOf(() => readKitManifest(withField('later', 'x'.repeat(room))))).toBeUndefined()
    expect(pointerOf(() => readKitManifest(withField('later', 'x'.repeat(room + 1))))).toBe('')
    expect(readKitManifest(withField('notes', '📦'.repeat(10_000))).notes).toHaveLength(20_000)
    expect(pointerOf(() => readKitManifest(withField('notes', '📦'.repeat(10_001))))).toBe('/notes')
  })
})

describe('what is installed (Kits §4)', () => {
  test.each(installed.read)('read: $comment', ({ text, reads }) => {
    const { document, ...kit } = readInstalledKit(text)
    expect(kit).toEqual(reads)
    expect(document).toEqual(JSON.parse(text))
    // Nothing is installed that was not: ids are names that objects have, too.
    expect('constructor' in kit.components).toBe(Object.hasOwn(reads.components, 'constructor'))
  })

  test.each(installed.rejected)('refused at "$pointer": $comment', ({ text, pointer }) => {
    expect(pointerOf(() => readInstalledKit(text))).toBe(pointer)
  })

  test.each(installed.written)('written: $comment', ({ kit, text }) => {
    expect(writeInstalledKit(kit)).toBe(text)
    expect(readInstalledKit(text).components).toEqual(kit.components)
  })
})

describe('whatever comes', () => {
  type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

  /** Every place of a document, as the names that lead there. */
  function placesOf(json: Json, at: string[] = []): string[][] {
    if (typeof json !== 'object' || json === null) return [at]
    return [at, ...Object.entries(json).flatMap(([name, each]) => placesOf(each, [...at, name]))]
  }

  function changed(json: Json, [name, ...rest]: string[], change: (value: Json) => Json | undefined): Json | undefined {
    if (name === undefined) return change(json)
    const copy: Record<string, Json> | Json[] = Array.isArray(json) ? [...json] : { ...(json as Record<string, Json>) }
    const inner = changed((copy as Record<string, Json>)[name] ?? null, rest, change)
    if (inner === undefined) delete (copy as Record<string, Json>)[name]
    else (copy as Record<string, Json>)[name] = inner
    return Array.isArray(copy) ? copy.filter((each) => each !== undefined) : copy
  }

  const real = [...accepted.map(({ text }) => text), ...restated.map(({ restated: text }) => text)]
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom('', '..', 'web', '__proto__', -1, 0, 1e15, [], {}, null))
  const mutated = fc
    .record({
      text: fc.constantFrom(...real),
      seed: fc.nat(),
      into: value,
      does: fc.constantFrom('set', 'drop', 'twice'),
    })
    .map(({ text, seed, into, does }) => {
      const json = JSON.parse(text) as Json
      const places = placesOf(json)
      const place = places[seed % places.length] ?? []
      const made = changed(json, place, (old) =>
        does === 'drop' ? undefined : does === 'set' ? (into as Json) : [old, old],
      )
      return JSON.stringify(made ?? null)
    })
  const torn = fc
    .record({ text: fc.constantFrom(...real), at: fc.nat(), length: fc.nat(40), into: fc.string({ unit: 'binary' }) })
    .map(({ text, at, length, into }) => {
      const from = at % text.length
      return text.slice(0, from) + into + text.slice(from + length)
    })

  const added = fc
    .record({
      text: fc.constantFrom(...real),
      name: fc.string({ minLength: 1 }),
      into: fc.constantFrom(null, 7, 'x', [1], {}),
    })
    .map(({ text, name, into }) => JSON.stringify({ ...JSON.parse(text), [`later ${name}`]: into }))

  test('is read, and written again the same, or refused in a short error with a place', () => {
    let read = 0
    fc.assert(
      fc.property(fc.oneof(mutated, torn, added, fc.json(), fc.string({ unit: 'binary' })), (text) => {
        for (const work of [readKitManifest, readInstalledKit, readStatement]) {
          try {
            work(text)
          } catch (error) {
            if (!(error instanceof UnexpectedJsonError)) throw error
            expect(error.message.length).toBeLessThan(5_000)
          }
        }
        if (pointerOf(() => readKitManifest(text)) !== undefined) return
        read += 1
        const written = writeKitManifest(readKitManifest(text))
        expect(writeKitManifest(readKitManifest(written))).toBe(written)
        const [{ document: _, ...before }, { document: __, ...after }] = [
          readKitManifest(text),
          readKitManifest(written),
        ]
        expect(after).toEqual(before)
      }),
      { numRuns: 600 },
    )
    expect(read).toBeGreaterThan(50)
  })
})
