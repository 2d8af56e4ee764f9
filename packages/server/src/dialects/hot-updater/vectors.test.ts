import { readFileSync } from 'node:fs'
import { Problem, readHotUpdaterManifest, UnexpectedJsonError } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { textOf } from '../../ground/http/made-body.ts'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { readUpdateCheck, type Strategy } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'

const FOLDER = new URL('../../../../../vectors/dialects/hot-updater/', import.meta.url)

function casesOf<Case>(name: string): Case[] {
  return (JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as { cases: Case[] }).cases
}

interface CheckCase {
  comment: string
  strategy: Strategy
  params: Record<string, string>
  headers?: Record<string, string>
  expected?: unknown
  error?: { type: string; pointer: string }
}

test.each(casesOf<CheckCase>('checks.json'))(
  'Hot-updater §2: $comment',
  ({ strategy, params, headers = {}, expected, error }) => {
    const read = () => readUpdateCheck(strategy, { params, header: (name) => headers[name] })
    if (!error) return expect(read()).toEqual(expected)
    const refusal = caught(read, Problem)
    expect(refusal.type).toBe(error.type)
    expect(refusal.extensions.errors).toEqual([{ pointer: error.pointer, detail: refusal.message }])
  },
)

interface AnswerCase {
  comment: string
  bundleId: string
  sdkVersion: string | null
  running: unknown
  decision: object
  expected?: unknown
  stopped?: boolean
}

test.each(casesOf<AnswerCase>('answers.json'))(
  'Hot-updater §3: $comment',
  ({ bundleId, sdkVersion, running, decision, expected, stopped }) => {
    const headers: Record<string, string> = sdkVersion === null ? {} : { 'hot-updater-sdk-version': sdkVersion }
    const request = {
      params: { bundleId },
      publicUrl: 'https://updates.example.com',
      header: (name: string) => headers[name],
    } as unknown as PlainRequest
    const answer = { decision, running } as unknown as UpdateAnswer
    if (stopped) return expect(() => renderDecision(answer, request)).toThrow('An answer was stopped')
    expect(JSON.parse(textOf(renderDecision(answer, request).body))).toEqual(expected)
    expect(JSON.parse(textOf(renderDecision(answer, request).body))).toEqual(expected)
  },
)

interface ManifestCase {
  comment: string
  text: string
  expected?: { buildId: string; files: Record<string, string> } | null
  error?: string
}

test.each(casesOf<ManifestCase>('manifests.json'))('Hot-updater §7: $comment', ({ text, expected, error }) => {
  if (error !== undefined) {
    return expect(caught(() => readHotUpdaterManifest(text), UnexpectedJsonError).pointer).toBe(error)
  }
  const manifest = readHotUpdaterManifest(text)
  expect(manifest ? { ...manifest, files: Object.fromEntries(manifest.files) } : null).toEqual(expected)
})

function caught<Thrown extends Error>(act: () => unknown, kind: new (...parts: never[]) => Thrown): Thrown {
  try {
    act()
  } catch (error) {
    if (error instanceof kind) return error
    throw error
  }
  throw new Error('It was taken.')
}
