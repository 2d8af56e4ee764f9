import type { ReleaseFinding } from '@hotpatch/api'

export function errorOf(check: string, expected: string, found: string, advice: string): ReleaseFinding {
  return { check, severity: 'error', expected, found, advice }
}
