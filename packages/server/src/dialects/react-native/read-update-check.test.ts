import { readFileSync } from 'node:fs'
import { Problem } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { readRegistration, readReport, readUpdateCheck } from './read-update-check.ts'

interface Case {
  comment: string
  fields: Record<string, unknown>
  expected?: unknown
  error?: { type: string; pointer: string }
}

const VECTORS = new URL('../../../../../vectors/dialects/react-native/', import.meta.url)

describe.each([
  ['React Native §1: a check', 'checks.json', readUpdateCheck],
  ['React Native §3: a report', 'reports.json', readReport],
  ['React Native §4: a registration', 'registrations.json', readRegistration],
] as const)('%s', (_name, file, read) => {
  const { cases } = JSON.parse(readFileSync(new URL(file, VECTORS), 'utf8')) as { cases: Case[] }

  test.each(cases)('$comment', ({ fields, expected, error }) => {
    if (!error) return expect(read(fields)).toEqual(expected)
    const refusal = catchProblem(() => read(fields))
    expect(refusal.type).toBe(error.type)
    expect(refusal.extensions.errors).toEqual([{ pointer: error.pointer, detail: refusal.message }])
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
