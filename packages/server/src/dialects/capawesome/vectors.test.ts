import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'

const FOLDER = new URL('../../../../../vectors/dialects/capawesome/', import.meta.url)

function vectorsOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8'))
}

interface CheckCase {
  comment: string
  query: Record<string, unknown>
  headers?: Record<string, string>
  expected?: unknown
  error?: { type: string; pointer: string }
}

const checks = vectorsOf('checks.json') as { cases: CheckCase[] }

test.each(checks.cases)('Capawesome §2: $comment', ({ query, headers = {}, expected, error }) => {
  const read = () => readUpdateCheck({ query, header: (name) => headers[name] })
  if (!error) return expect(read()).toEqual(expected)
  const refusal = catchProblem(read)
  expect(refusal.type).toBe(error.type)
  expect(refusal.extensions.errors).toEqual([{ pointer: error.pointer, detail: refusal.message }])
})

interface AnswerCase {
  comment: string
  decision: { kind: string }
  running?: unknown[] | null
  expected?: { status: number; body: object }
  stopped?: boolean
}

const { cases, channel, ...request } = vectorsOf('answers.json') as {
  cases: AnswerCase[]
  channel: string
}

test.each(cases)('Capawesome §3: $comment', ({ decision, running, expected, stopped }) => {
  const answer = {
    decision,
    channel,
    device: { currentReleaseId: running === undefined ? null : 'what-runs' },
    running: running ? { held: { files: running } } : null,
  } as unknown as UpdateAnswer
  const render = () => renderDecision(answer, request as unknown as PlainRequest)
  if (stopped) return expect(render).toThrow('An answer was stopped')
  const { status, body } = render()
  const found = JSON.parse(textOf(body)) as object
  expect({ status, body: found }).toEqual({
    status: expected?.status,
    body: status === 200 ? expected?.body : { ...expected?.body, message: expect.stringMatching(/\S/) },
  })
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
