import { readFileSync } from 'node:fs'
import { readChecksum } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import { AppUpdateError, mayHelp } from '../ground/app-update-error.ts'
import type { AppUpdaterOptions } from '../ground/settings.ts'
import { checkRequest } from './check-request.ts'
import { safeFileName } from './formats.ts'
import { readCheckAnswer } from './read-answer.ts'
import { isBelowMinimum, isNewer } from './versions.ts'

function vectorsOf(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../../vectors/${name}.json`, import.meta.url), 'utf8'))
}

const rules = vectorsOf('app-versions') as {
  newer: { comment: string; installed: string; offered: string; offeredCode?: number; newer: boolean }[]
  mandatory: { comment: string; installed: string; flag: boolean; minimum: string | null; mandatory: boolean }[]
  checksums: { comment: string; text: string; sha256?: string }[]
  fileNames: { comment: string; announced: string | null; version: string; format: string; fileName: string }[]
}

test.each(rules.newer)('App versions §6: $comment', ({ installed, offered, offeredCode, newer }) => {
  const offer = { version: offered, ...(offeredCode !== undefined && { versionCode: offeredCode }) }
  expect(isNewer(offer, { version: installed })).toBe(newer)
})

test.each(rules.mandatory)('App versions §7: $comment', ({ installed, flag, minimum, mandatory }) => {
  expect(flag || isBelowMinimum(installed, minimum)).toBe(mandatory)
})

test.each(rules.checksums)('App versions §8: $comment', ({ text, sha256 }) => {
  expect(readChecksum(text)).toBe(sha256)
})

test.each(rules.fileNames)('App versions §10: $comment', ({ announced, version, format, fileName }) => {
  expect(safeFileName(announced ?? undefined, version, format)).toBe(fileName)
})

const wire = vectorsOf('app-versions-wire') as {
  asking: AppUpdaterOptions
  requests: { comment: string; options: Partial<AppUpdaterOptions>; url: string; appKey?: string; body: object }[]
  answers: { comment: string; body: unknown; expected?: object; error?: string }[]
  tries: { comment: string; status: number; again: boolean }[]
}

test.each(wire.requests)('App versions §2: $comment', ({ options, url, appKey, body }) => {
  const request = checkRequest({ ...wire.asking, ...options })
  expect(request).toMatchObject({ method: 'POST', url, headers: { 'content-type': 'application/json' } })
  expect(request.headers['x-app-key']).toBe(appKey)
  expect(JSON.parse(request.body ?? '')).toEqual(body)
})

test.each([
  'updates.example.com',
  'https://a@b',
  'https://updates.example.com?x',
  'https://updates.example.com/#x',
  '',
])('that is no address of a server: %s', (serverUrl) => {
  expect(() => checkRequest({ ...wire.asking, serverUrl })).toThrow(AppUpdateError)
})

test.each(wire.answers)('App versions §3: $comment', ({ body, expected, error }) => {
  const read = () => readCheckAnswer(body, wire.asking)
  if (expected) return expect(read()).toEqual(expected)
  expect(read).toThrow(AppUpdateError)
  expect(read).toThrow(new RegExp(`^${error}: expected `))
})

test.each(wire.tries)('App versions §5: $status: $comment', ({ status, again }) => {
  expect(mayHelp(status)).toBe(again)
})
