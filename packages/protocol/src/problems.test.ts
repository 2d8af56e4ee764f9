import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DEVICE_EVENT_KINDS, isDeviceFailure } from './device-event.ts'
import { readInteger, UnexpectedJsonError } from './json-reader.ts'
import { PROBLEMS, Problem, problem } from './problems.ts'
import { SDK_CODES } from './sdk-codes.ts'

function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../../vectors/problems/${name}.json`, import.meta.url), 'utf8'))
}

test('the vectors have exactly the problem types, with their status and title', () => {
  const { problems } = readVectors('problems') as { problems: unknown[] }
  expect(problems).toEqual(Object.entries(PROBLEMS).map(([type, { status, title }]) => ({ type, status, title })))
})

test('the vectors have exactly the codes of the SDKs', () => {
  const { codes } = readVectors('sdk-codes') as { codes: { code: string; comment: string }[] }
  expect(codes.map(({ comment: _, ...code }) => code)).toEqual(
    Object.entries(SDK_CODES).map(([code, meaning]) => ({ code, ...meaning })),
  )
})

test('a code that blames the release is not retried', () => {
  for (const { isRetryable, blamesRelease } of Object.values(SDK_CODES))
    expect(isRetryable && blamesRelease).toBe(false)
})

test('a problem knows its status and title, and keeps its cause', () => {
  const cause = new Error('first')
  const found = problem('release-not-found', 'No release has the id 7.', { releaseId: '7' }, { cause })
  expect(found).toBeInstanceOf(Problem)
  expect(found).toMatchObject({ type: 'release-not-found', status: 404, title: 'There is no such release', cause })
  expect(found.message).toBe('No release has the id 7.')
  expect(found.extensions).toEqual({ releaseId: '7' })
})

test('a failure is held against the release unless its code says otherwise', () => {
  const blaming = DEVICE_EVENT_KINDS.filter((kind) => isDeviceFailure(kind))
  expect(blaming).toEqual(['failed', 'rolled-back', 'crashed'])
  expect(isDeviceFailure('failed', 'download-failed')).toBe(false)
  expect(isDeviceFailure('failed', 'archive-invalid')).toBe(true)
  expect(isDeviceFailure('failed', 'toString')).toBe(true)
  expect(isDeviceFailure('crashed', 'download-failed')).toBe(true)
  expect(isDeviceFailure('crashed', 'crashed-in-use')).toBe(false)
  expect(isDeviceFailure('applied', 'crashed')).toBe(false)
})

test.each<[unknown, string]>([
  [undefined, 'nothing'],
  [null, 'null'],
  [Number.NaN, 'NaN'],
  [10n, '10'],
  [Symbol('s'), 'Symbol(s)'],
  ['7', '"7"'],
  ['x'.repeat(100), `"${'x'.repeat(76)}…`],
  [[1, 2], 'an array of 2'],
  [{}, 'an object'],
])('what was found is told, whatever it is: %s', (value, found) => {
  const message = `/count: expected an integer of at least 1, found ${found}`
  expect(() => readInteger(value, '/count', 1)).toThrow(
    new UnexpectedJsonError('/count', 'an integer of at least 1', value),
  )
  expect(() => readInteger(value, '/count', 1)).toThrow(message)
})
