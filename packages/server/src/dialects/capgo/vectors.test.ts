import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readStatistics } from './read-statistics.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter, renderDecision } from './render-decision.ts'

const FOLDER = new URL('../../../../../vectors/dialects/capgo/', import.meta.url)

function casesOf<Case>(name: string): Case[] {
  return (JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as { cases: Case[] }).cases
}

interface CheckCase {
  comment: string
  fields: Record<string, unknown>
  expected?: unknown
  error?: { type: string; pointer: string }
}

test.each(casesOf<CheckCase>('checks.json'))('Capgo §2: $comment', ({ fields, expected, error }) => {
  if (!error) return expect(readUpdateCheck(fields)).toEqual(expected)
  const refusal = catchProblem(() => readUpdateCheck(fields))
  expect(refusal.type).toBe(error.type)
  expect(refusal.extensions.errors).toEqual([{ pointer: error.pointer, detail: refusal.message }])
})

interface AnswerCase {
  comment: string
  fields: Record<string, unknown>
  publicUrl: string
  decision: { rollout?: unknown }
  expected?: unknown
  stopped?: boolean
}

describe('Capgo §3: an answer', () => {
  test.each(casesOf<AnswerCase>('answers.json'))('$comment', ({ decision, fields, publicUrl, expected, stopped }) => {
    const answer = { decision: { rollout: {}, ...decision } } as unknown as UpdateAnswer
    const write = createAnswerWriter()
    const request = { publicUrl, body: fields }
    if (stopped) return expect(() => write(answer, request)).toThrow('An answer was stopped')
    expect(renderDecision(answer, fields, publicUrl)).toEqual(expected)
    expect(JSON.parse(textOf(write(answer, request)))).toEqual(expected)
    expect(JSON.parse(textOf(write(answer, request)))).toEqual(expected)
  })
})

interface StatisticsCase {
  comment: string
  body: unknown
  expected: { rejected: object[] }
}

test.each(casesOf<StatisticsCase>('statistics.json'))('Capgo §4: $comment', ({ body, expected }) => {
  const rejected = expected.rejected.map((each) => ({ ...each, detail: expect.any(String) as string }))
  expect(readStatistics(body)).toEqual({ ...expected, rejected })
})

function catchProblem(act: () => unknown): Problem {
  try {
    act()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('It was taken.')
}
