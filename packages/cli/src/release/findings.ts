import type { ReleaseFinding } from '@hotpatch/api'
import { InvalidArgumentError } from 'commander'
import { CommandError } from '../errors/errors.ts'

/** What this tool finds by itself, and somebody may know better. What the server refuses, nobody can force. */
const FORCEABLE = ['secret', 'entry-file', 'assets', 'development-bundle', 'node-modules']

/** Comma-separated, and more than once. */
export function readForced(text: string, before: readonly string[] = []): string[] {
  const checks = text.split(',').map((part) => part.trim())
  const unknown = checks.find((check) => !FORCEABLE.includes(check))
  if (unknown === undefined) return [...before, ...checks]
  throw new InvalidArgumentError(`Expected what to force: ${FORCEABLE.join(', ')}.`)
}

/**
 * Lets through what nobody has anything against, or what was forced by name.
 * @param done what is not, where something stands against it
 * @returns what is merely to be told
 * @throws CommandError preflight-failed with all of them
 */
export function requireSound(
  findings: readonly ReleaseFinding[],
  forced: readonly string[],
  done: 'published' | 'packed' = 'published',
): ReleaseFinding[] {
  const judged = findings.map((finding) =>
    finding.severity === 'error' && forced.includes(finding.check)
      ? { ...finding, severity: 'warning' as const, advice: 'This was forced.' }
      : finding,
  )
  const errors = judged.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return judged
  const lines = judged.map((finding) => `  ${finding.severity === 'error' ? '✗' : '!'} ${describeFinding(finding)}`)
  const message = [`Nothing was ${done}. This is not as it must be:`, ...lines].join('\n')
  throw new CommandError('preflight-failed', message, { details: { findings: judged } })
}

export function describeFinding({ check, severity, expected, found, advice }: ReleaseFinding): string {
  const force = severity === 'error' && FORCEABLE.includes(check) ? ` If it is meant: --force ${check}.` : ''
  return `${check}: expected ${expected}, found ${found}. ${advice}${force}`
}
