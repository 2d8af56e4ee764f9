import { readFileSync } from 'node:fs'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { describe, expect, test } from 'vitest'
import { createAnswerWriter, renderDecision } from './render-decision.ts'

interface Case {
  comment: string
  publicUrl: string
  decision: Record<string, unknown>
  restatement?: { statement: string; statementSignature: string }
  patch?: object
  expected?: unknown
  stopped?: boolean
}

const VECTORS = new URL('../../../../../vectors/dialects/react-native/answers.json', import.meta.url)
const { cases } = JSON.parse(readFileSync(VECTORS, 'utf8')) as { cases: Case[] }

/** The rollout is only told apart by identity here. */
function answerOf({ decision, restatement, patch }: Case): UpdateAnswer {
  return { decision: { ...decision, rollout: {}, trace: null }, restatement, patch } as unknown as UpdateAnswer
}

describe('React Native §2: an answer', () => {
  test.each(cases.filter(({ stopped }) => !stopped))('$comment', (vector) => {
    const answer = answerOf(vector)
    expect(renderDecision(answer, vector.publicUrl)).toEqual(vector.expected)
    expect(JSON.parse(createAnswerWriter()(answer, vector))).toEqual(vector.expected)
  })

  test.each(cases.filter(({ stopped }) => stopped))('never leaves the server: $comment', (vector) => {
    expect(() => createAnswerWriter()(answerOf(vector), vector)).toThrow('An answer was stopped')
  })
})

describe('the answer writer', () => {
  const first = cases[0] as Case
  const answer = answerOf(first)

  test('gives the same text for the same answer', () => {
    const write = createAnswerWriter()
    expect(write(answer, first)).toBe(write(answer, first))
  })

  test.each([
    ['address', answer, 'http://other.example'],
    ['mandatory', { ...answer, decision: { ...answer.decision, mandatory: true } }, first.publicUrl],
    ['patch', { ...answer, patch: cases.find(({ patch, expected }) => patch && expected)?.patch }, first.publicUrl],
    ['direction', { ...answer, decision: { ...answer.decision, direction: 'back' } }, first.publicUrl],
    ['reason', { ...answer, decision: { ...answer.decision, reason: 'cohort' } }, first.publicUrl],
    [
      'native update',
      {
        ...answer,
        decision: {
          ...answer.decision,
          nativeUpdate: { minNativeVersion: '3.0', releaseId: '01890000-0000-7000-8000-000000000002' },
        },
      },
      first.publicUrl,
    ],
  ])('does not give one answer for another: %s', (_name, other, publicUrl) => {
    const write = createAnswerWriter()
    const before = write(answer, first)
    expect(JSON.parse(write(other as UpdateAnswer, { publicUrl }))).toEqual(
      renderDecision(other as UpdateAnswer, publicUrl),
    )
    expect(write(answer, first)).toBe(before)
  })

  test('keeps to a bound, however many hosts are made up', () => {
    const write = createAnswerWriter()
    for (let host = 0; host < 1000; host++) {
      const { bundleUrl } = JSON.parse(write(answer, { publicUrl: `http://host-${host}` }))
      expect(bundleUrl).toMatch(`http://host-${host}/`)
    }
  })
})
