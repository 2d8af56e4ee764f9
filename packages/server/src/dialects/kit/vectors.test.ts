import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import { textOf } from '../../ground/http/made-body.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readKitCheck } from './read-kit-check.ts'
import { renderCheck, type KitFileName } from './render-kit.ts'

interface Vectors {
  release: object & { sequence: number }
  restated: { sequence: number; keyId: string; statement: string; statementSignature: string }
  checks: { comment: string; channel: string; headers: Record<string, string>; expected: object | null }[]
  answers: {
    comment: string
    file: KitFileName
    isRestated?: true
    hasNone?: true
    sequence?: number
    ifNoneMatch?: string
    decision: { kind: string; reason: string; nativeUpdate?: object }
    expected: { status: number; headers: Record<string, string>; body?: string; code?: string } | null
  }[]
}

const VECTORS = new URL('../../../../../vectors/dialects/kit/kits.json', import.meta.url)
const { release, restated, checks, answers } = JSON.parse(readFileSync(VECTORS, 'utf8')) as Vectors

test.each(checks)('Kits §6.1: $comment', ({ channel, headers, expected }) => {
  const read = () => readKitCheck({ params: { channel }, header: (name) => headers[name] })
  if (expected) expect(read()).toEqual(expected)
  else expect(read).toThrow(Problem)
})

test.each(answers)('Kits §6.2: $comment', (vector) => {
  const { file, isRestated, hasNone, sequence = release.sequence, ifNoneMatch, expected } = vector
  const { statement, statementSignature, ...stated } = restated
  const rollout = {
    id: '01890000-0000-7000-8000-00000000000a',
    target: { ...release, sequence },
    restated: isRestated ? stated : null,
  }
  const decision = { nativeUpdate: null, ...vector.decision, rollout: hasNone ? null : rollout }
  const restatement = isRestated && { statement, statementSignature }
  const answer = { decision, restatement: restatement || undefined } as unknown as UpdateAnswer
  const request = { header: () => ifNoneMatch } as unknown as PlainRequest
  if (!expected) return expect(() => renderCheck(answer, request, file)).toThrow('stopped')
  const rendered = renderCheck(answer, request, file)
  const { body, code, ...rest } = expected
  expect({ status: rendered.status, headers: headersOf(rendered) }).toEqual(rest)
  const text = textOf(rendered.body)
  if (code === undefined) expect(text).toBe(body)
  else expect(JSON.parse(text)).toEqual({ code, message: expect.stringMatching(/\S/) })
})

function headersOf({ headers }: PlainAnswer): Record<string, string> {
  return Object.fromEntries(
    headers.flatMap((name, index) => (index % 2 === 0 ? [[name, headers[index + 1] ?? '']] : [])),
  )
}
