import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { changedFiles } from './changed-files.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './write-answers.ts'

function vectorsOf(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../../../../vectors/dialects/asset-updates/${name}.json`, import.meta.url), 'utf8'),
  )
}

const checks = vectorsOf('checks') as {
  cases: { comment: string; body: Record<string, unknown>; expected?: unknown; error?: string }[]
}

test.each(checks.cases)('Asset updates §2: $comment', ({ body, expected, error }) => {
  if (!error) return expect(JSON.parse(JSON.stringify(readUpdateCheck(body)))).toEqual(expected)
  const refusal = problemOf(() => readUpdateCheck(body))
  expect([refusal.type, refusal.message]).toEqual([error, expect.stringMatching(/xpected .+, found .+/)])
})

interface ListedFile {
  path: string
  sha256: string
  sizeBytes: number
  contentType: string
}
interface VectorRelease {
  id: string
  version: string
  notes: string
  requirement: object
  content: object
  statement: string | null
  statementSignature: string | null
  files: ListedFile[] | null
}
const answers = vectorsOf('answers') as {
  publicUrl: string
  releases: Record<string, VectorRelease>
  cases: {
    comment: string
    offers?: string
    running?: string
    decision: object
    restatement?: { statement: string; statementSignature: string }
    expected?: unknown
    stopped?: boolean
  }[]
  manifests: { comment: string; of: string; from?: string; expected?: unknown }[]
  deltas: { comment: string; from: ListedFile[]; to: ListedFile[]; expected: unknown }[]
}

function releaseOf(name: string | undefined): OfferedRelease | undefined {
  const release = name === undefined ? undefined : answers.releases[name]
  return release && ({ ...release, kind: 'files', held: { files: release.files } } as unknown as OfferedRelease)
}

test.each(answers.cases)(
  'Asset updates §3: $comment',
  ({ offers, running, decision, restatement, expected, stopped }) => {
    const release = releaseOf(offers)
    const details = release ? { release, rollout: { id: 'rollout-1', target: release } } : {}
    const answer = { decision: { ...decision, ...details }, restatement, running: releaseOf(running) ?? null }
    const write = () => textOf(createAnswerWriter().writeDecision(answer as unknown as UpdateAnswer, answers.publicUrl))
    if (stopped) return expect(write).toThrow('An answer was stopped')
    expect(JSON.parse(write())).toEqual(expected)
  },
)

test.each(answers.manifests)('Asset updates §4: $comment', ({ of, from, expected }) => {
  const release = releaseOf(of)
  if (!release) throw new Error(`There is no release "${of}".`)
  const body = createAnswerWriter().writeManifest(release, releaseOf(from), answers.publicUrl)
  expect(body === undefined ? undefined : JSON.parse(textOf(body))).toEqual(expected)
})

test.each(answers.deltas)('Asset updates §5: $comment', ({ from, to, expected }) => {
  const held = (files: ListedFile[]) => ({ held: { files } }) as unknown as OfferedRelease
  expect(changedFiles(held(from), held(to))).toEqual(expected)
})

test('the same answer is made once', () => {
  const { writeManifest } = createAnswerWriter()
  const release = releaseOf('second')
  const asked = () => release && writeManifest(release, undefined, answers.publicUrl)
  const first = asked()
  if (release) Object.assign(release, { version: 'changed' })
  expect(asked()).toBe(first)
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
