import { readFileSync } from 'node:fs'
import { readInstalledKit, UnexpectedJsonError } from '@hotpatch/protocol'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/kit/installed.json' with { type: 'json' }

/** Kits §4: the reader and the published schema say the same, as far as a schema can say it. */

const SCHEMA = new URL('../../../../docs/protocol/kit-installed.schema.json', import.meta.url)
const validate = new Ajv2020({ strict: false, allErrors: false }).compile(
  JSON.parse(readFileSync(SCHEMA, 'utf8')) as object,
)

/** Of JSON itself, as it stands in the text. */
const isBeyond = (comment: string) => /^No JSON|^Half of it|^A name twice/.test(comment)
const good = [...vectors.read.map(({ text }) => text), ...vectors.written.map(({ text }) => text)]

function takes(text: string): boolean {
  try {
    readInstalledKit(text)
    return true
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return false
    throw error
  }
}

describe('kit-installed.schema.json', () => {
  test.each(good)('takes what the reader takes: %s', (text) => {
    expect(takes(text)).toBe(true)
    expect(validate(JSON.parse(text)) || validate.errors).toBe(true)
  })

  test.each(vectors.rejected.filter(({ comment }) => !isBeyond(comment)))('refuses: $comment', ({ text }) => {
    expect(validate(JSON.parse(text))).toBe(false)
  })

  test('refuses nothing that the reader takes, whatever one value is', () => {
    const values = fc.oneof(
      fc.constantFrom('', 'a', '1.4', 'A', '/x', 0, 1, 7, -1, true, null, [], {}, { version: '1' }, { Web: {} }),
      fc.jsonValue({ maxDepth: 1 }),
    )
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), values, (text, at, value) => {
        const quoted = [...text.matchAll(/(?<=[:[,]\s*)(?:"[^"\\]*"|\d+|true|false|\{\})(?=\s*[,\]}])/g)]
        const { 0: found = '', index = 0 } = quoted[at % quoted.length] ?? {}
        const made = text.slice(0, index) + JSON.stringify(value) + text.slice(index + found.length)
        if (takes(made)) expect(validate(JSON.parse(made)) || validate.errors, made.slice(0, 500)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
