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

/** What a schema cannot say: JSON itself, and what is so of several values together. */
const BEYOND =
  /^not JSON$|^a key that is good for years|^good for longer than|^it ends before|^a release that is not here|^active, and nothing|^one release twice|^a rule that is none/

test.each(cases.filter(({ comment }) => !BEYOND.test(comment)))(
  '$document: $comment',
  ({ document, refusedAt, text }) => {
    expect(ajv.validate(`edge#/$defs/${document}`, JSON.parse(text))).toBe(refusedAt === null)
  },
)
