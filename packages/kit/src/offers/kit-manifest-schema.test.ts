import { readFileSync } from 'node:fs'
import { readKitManifest, UnexpectedJsonError } from '@hotpatch/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** Kits §1.4: the reader and the published schema say the same, as far as a schema can say it. */

const ROOT = new URL('../../../../', import.meta.url)
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))
const { accepted, rejected, signed, restated } = readJson('vectors/kit/manifests.json') as {
  accepted: { comment: string; text: string }[]
  rejected: { comment: string; text: string }[]
  signed: { name: string; text: string }[]
  restated: { comment: string; restated: string }[]
}
const validate = new Ajv2020({ strict: false, allErrors: false }).compile(
  readJson('docs/protocol/kit-manifest.schema.json') as object,
)

/** What a schema cannot say: JSON itself, and what is so of several values together. */
const BEYOND = [
  /^No JSON|byte order mark|which not all readers take|A fraction in|Half a character|A name twice|A component twice|Too deep/,
  /^A floor above|Too many files in all|Two files for one machine|The same bytes of two sizes|not that of the only file/,
  /^What cannot be undone, before|A coordinator that is not last|Two coordinators/,
]
const isBeyond = (comment: string) => BEYOND.some((each) => each.test(comment))

function parse(text: string): { json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) }
  } catch {
    return undefined // no JSON: the schema has nothing to say of it
  }
}

function takes(text: string): boolean {
  try {
    readKitManifest(text)
    return true
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return false
    throw error
  }
}

const good = [
  ...accepted,
  ...signed.map(({ name, text }) => ({ comment: name, text })),
  ...restated.map(({ comment, restated: text }) => ({ comment, text })),
]

describe('kit-manifest.schema.json', () => {
  test.each(good)('takes: $comment', ({ text }) => {
    expect(validate(JSON.parse(text)) || validate.errors).toBe(true)
  })

  test.each(rejected.filter(({ comment }) => !isBeyond(comment)))('refuses: $comment', ({ text }) => {
    expect(validate(JSON.parse(text))).toBe(false)
  })

  test('is silent only of what it cannot say', () => {
    const beyond = rejected.filter(({ comment }) => isBeyond(comment))
    expect(beyond.length).toBeGreaterThan(15)
    for (const { comment, text } of beyond) {
      const parsed = parse(text)
      // Of some of these numbers it says that they are none, and of others not.
      if (comment.includes('which not all readers take')) continue
      if (parsed) expect(validate(parsed.json) || validate.errors, text.slice(0, 200)).toBe(true)
    }
  })

  test('refuses nothing that the reader takes, whatever one value is', () => {
    const values = fc.oneof(
      fc.constantFrom('', 'a', '1.4', 'A', '/x', 0, 1, 7, 100, 5_000, -1, true, null, [], {}, '2.0.0', 'zip', 'http'),
      fc.jsonValue({ maxDepth: 1 }),
    )
    const texts = good.map(({ text }) => text).filter((text) => text.length < 20_000)
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), values, (text, at, value) => {
        const quoted = [...text.matchAll(/(?<=[:[,]\s*)(?:"[^"\\]*"|\d+|true|false)(?=\s*[,\]}])/g)]
        const { 0: found = '', index = 0 } = quoted[at % quoted.length] ?? {}
        const made = text.slice(0, index) + JSON.stringify(value) + text.slice(index + found.length)
        if (takes(made)) expect(validate(JSON.parse(made)) || validate.errors, made.slice(0, 500)).toBe(true)
      }),
      { numRuns: 1_500 },
    )
  })
})
