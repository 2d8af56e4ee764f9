import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { packageHashOf } from '../../shipping/content/archive/package-hash.ts'
import { textOf } from '../../ground/http/made-body.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readDeployReport, readDownloadReport } from './read-reports.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './render-decision.ts'

function vectorsOf(name: string): unknown {
  const url = new URL(`../../../../../vectors/dialects/code-push/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8'))
}

/** By package hashes, as a catalog has them. */
function withDiffs(release: AnswerVectors['cases'][number]['decision']['release']) {
  if (!release?.content.diffs) return release
  return { ...release, content: { ...release.content, diffs: new Map(Object.entries(release.content.diffs)) } }
}

/** What is not told is left out. */
const told = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

interface CheckCase {
  comment: string
  query: Record<string, unknown>
  headers?: Record<string, string>
  expected?: unknown
  error?: string
}

test.each((vectorsOf('checks') as { cases: CheckCase[] }).cases)('Code Push §2: $comment', (vector) => {
  const { query, headers = {}, expected, error } = vector
  const read = () => readUpdateCheck({ query, header: (name) => headers[name] })
  if (!error) return expect(told(read())).toEqual(expected)
  expect(pointersOf(read)).toEqual([error])
})

interface AnswerVectors {
  publicUrl: string
  cases: {
    comment: string
    path: string
    query: Record<string, unknown>
    countedLabel: string | null
    decision: { release?: { content: { diffs?: object } } }
    expected?: unknown
    stopped?: boolean
  }[]
}
const { publicUrl, cases } = vectorsOf('answers') as AnswerVectors

describe('Code Push §3: an answer', () => {
  test.each(cases)('$comment', ({ decision, countedLabel, path, query, expected, stopped }) => {
    const release = withDiffs(decision.release)
    const answer = { decision: { rollout: {}, ...decision, release }, countedLabel } as unknown as UpdateAnswer
    const write = createAnswerWriter()
    const ask = () => write(answer, { publicUrl, path, query })
    if (stopped) return expect(ask).toThrow('An answer was stopped')
    expect(JSON.parse(textOf(ask()))).toEqual(expected)
    expect(JSON.parse(textOf(ask()))).toEqual(expected)
  })
})

interface ReportCase {
  comment: string
  report: 'deploy' | 'download'
  body: unknown
  expected?: unknown
  error?: string
}

test.each((vectorsOf('reports') as { cases: ReportCase[] }).cases)('Code Push §4: $comment', (vector) => {
  const { report, body, expected, error } = vector
  const read = () => (report === 'deploy' ? readDeployReport(body) : readDownloadReport(body))
  if (!error) return expect(told(read())).toEqual(expected)
  expect(pointersOf(read)).toEqual([error])
})

interface HashCase {
  comment: string
  files: { path: string; sha256: string }[]
  expected: string
}

test.each((vectorsOf('package-hashes') as { cases: HashCase[] }).cases)(
  'Code Push §5: $comment',
  ({ files, expected }) => {
    expect(packageHashOf(files)).toBe(expected)
  },
)

function pointersOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    return (error.extensions.errors as { pointer: string }[]).map(({ pointer }) => pointer)
  }
  throw new Error('It was taken.')
}
