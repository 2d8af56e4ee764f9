import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readEvents, type EventBatch } from './read-events.ts'

interface Case {
  comment: string
  fields: Record<string, unknown>
  expected?: EventBatch
  error?: { type: string; pointer: string }
}

const VECTORS = new URL('../../../../../vectors/dialects/hotpatch/events.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: Case[] }

test.each(cases)('Events §2: $comment', ({ fields, expected, error }) => {
  if (!error) return expect(readEvents(fields)).toEqual(expected)
  expect(() => readEvents(fields)).toThrow(
    expect.objectContaining({
      type: error.type,
      extensions: { errors: [expect.objectContaining({ pointer: error.pointer })] },
    }),
  )
})
