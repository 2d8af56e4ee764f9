import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { Feed } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { createInstallerTakes } from './installer-takes.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { renderDecision, renderLatest } from './render-decision.ts'

function vectorsOf(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../../vectors/${path}`, import.meta.url), 'utf8'))
}

const checks = vectorsOf('dialects/app-versions/checks.json') as {
  cases: { comment: string; body: Record<string, unknown>; expected?: unknown; error?: string }[]
}

test.each(checks.cases)('App versions §2: $comment', ({ body, expected, error }) => {
  if (!error) return expect(readUpdateCheck(body)).toEqual(expected)
  const refusal = problemOf(() => readUpdateCheck(body))
  expect(refusal.type).toBe(error)
  expect(refusal.message).toMatch(/xpected .+, found .+/)
})

/** What clients of the contract send is read here: both sides go by the same vectors. */
const wire = vectorsOf('app-versions-wire.json') as { requests: { comment: string; body: Record<string, unknown> }[] }

test.each(wire.requests)('App versions §2, as clients send it: $comment', ({ body }) => {
  const { platform, check } = readUpdateCheck(body)
  expect([platform, check.nativeVersion]).toEqual([body.platform, body.current_version])
})

interface AnswerCase {
  comment: string
  told?: { architecture?: string; installerFormats?: string }
  decision: unknown
  expected?: Record<string, unknown>
  stopped?: boolean
}
const { cases, publicUrl } = vectorsOf('dialects/app-versions/answers.json') as {
  cases: AnswerCase[]
  publicUrl: string
}
const takes = createInstallerTakes()

const writingOf = (told: AnswerCase['told'] = { architecture: 'arm64' }) => ({
  platform: 'android' as const,
  currentVersion: '1.0.0+1',
  taken: takes(told).binaries,
  publicUrl,
})

test.each(cases)('App versions §3: $comment', ({ told, decision, expected, stopped }) => {
  const render = () => renderDecision({ decision } as unknown as UpdateAnswer, writingOf(told))
  if (stopped) return expect(render).toThrow('An answer was stopped')
  const { status, body } = render()
  expect([status, JSON.parse(textOf(body))]).toEqual([200, expected])
})

interface Offered {
  release: object
  rollout: { mandatory: boolean; mandatoryBelow: string | null }
}
const offers = cases.filter(({ decision }) => (decision as { kind: string }).kind === 'update')

test.each(offers)('App versions §4: $comment', ({ told, decision, expected, stopped }) => {
  const { release, rollout } = decision as Offered
  const feed = [{ ...rollout, target: release, startsAt: null, startedAt: Date.UTC(2027, 0, 31) }] as unknown as Feed
  if (stopped) return expect(() => renderLatest(feed, writingOf(told))).toThrow('An answer was stopped')
  const { update_available: _, message: __, latest_version: version, ...shared } = expected ?? {}
  expect(JSON.parse(textOf(renderLatest(feed, writingOf(told))?.body ?? ''))).toEqual({
    ...shared,
    ok: true,
    version,
    platform: 'android',
    published_at: '2027-01-31T00:00:00.000Z',
  })
})

test('of nothing in force there is no answer', () => {
  expect(renderLatest([], writingOf())).toBeUndefined()
})

test('what devices invent does not fill the memory, and one word has one object', () => {
  const first = takes({ architecture: 'arm64' })
  expect(takes({ architecture: 'arm64' })).toBe(first)
  for (let index = 0; index < 3_000; index += 1) takes({ architecture: `invented-${index}` })
  expect(takes({ architecture: 'arm64' })).toEqual(first)
})

function problemOf(act: () => unknown): Problem {
  try {
    act()
  } catch (error) {
    if (error instanceof Problem) return error
    throw error
  }
  throw new Error('It was taken.')
}
