import type { ReleaseFinding } from '@hotpatch/api'
import { OBJECTIONS } from '@hotpatch/binary-files'
import { InvalidArgumentError } from 'commander'
import { CommandError } from '../errors/errors.ts'

/** What this tool finds by itself, and somebody may know better. What the server refuses, nobody can force. */
const FORCEABLE = ['secret', 'entry-file', 'assets', 'development-bundle', 'node-modules']

/** Comma-separated, and more than once. */
export function readForced(text: string, before: readonly string[] = []): string[] {
  return readWords(text, before, { known: FORCEABLE, what: 'what to force' })
}

/** As `readForced`, of what the server would refuse of whole apps unless it is meant. */
export function readAccepted(text: string, before: readonly string[] = []): string[] {
  return readWords(text, before, { known: OBJECTIONS, what: 'what to accept' })
}

function readWords(
  text: string,
  before: readonly string[],
  { known, what }: { known: readonly string[]; what: string },
): string[] {
  const words = text.split(',').map((part) => part.trim())
  if (words.every((word) => known.includes(word))) return [...before, ...words]
  throw new InvalidArgumentError(`Expected ${what}: ${known.join(', ')}.`)
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
  const option = severity === 'error' ? optionFor(check) : undefined
  const meant = option === undefined ? '' : ` If it is meant: ${option} ${check}.`
  return `${check}: expected ${expected}, found ${found}. ${advice}${meant}`
}

function optionFor(check: string): string | undefined {
  if (FORCEABLE.includes(check)) return '--force'
  return (OBJECTIONS as readonly string[]).includes(check) ? '--accept' : undefined
}
