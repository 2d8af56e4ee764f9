import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'

/** Static edge §3: the readers and the published schema say the same, as far as a schema can say it. */

const ROOT = new URL('../../../../../', import.meta.url)
const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, ROOT), 'utf8'))
const { cases } = readJson('vectors/edge/documents.json') as {
  cases: { comment: string; document: 'keys' | 'pointer' | 'catalog'; refusedAt: string | null; text: string }[]
}
const ajv = new Ajv2020({ strict: false })
ajv.addSchema(readJson('docs/protocol/static-edge.schema.json') as object, 'edge')

/**
 * What a schema cannot say: what is so of several values together, units of UTF-16, days that the calendar has not, and
 * what rules and ranges of versions are.
 */
const BEYOND =
  /^a key that is good for years|^good for longer than|^it ends before|^a release that is not here|^active, and nothing|^one release twice|^a rule |^a range |^a channel of 201 units|^a leap |^midnight at the end/

test.each(cases.filter(({ comment }) => !BEYOND.test(comment)))(
  '$document: $comment',
  ({ document, refusedAt, text }) => {
    expect(isAsTheSchemaSays(document, text)).toBe(refusedAt === null)
  },
)

function isAsTheSchemaSays(document: string, text: string): boolean {
  try {
    return ajv.validate(`edge#/$defs/${document}`, JSON.parse(text))
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}
