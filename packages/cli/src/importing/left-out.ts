import { ApiProblem } from '@hotpatch/api'
import { CommandError } from '../errors/errors.ts'
import type { Session } from '../session/session.ts'

/** What was not imported. */
export interface LeftOut {
  path: string
  reason: string
}

/** What may be wrong with one release: the others are none the worse for it. */
const OF_ONE_RELEASE: readonly string[] = [
  'preflight-failed',
  'bundle-invalid',
  'bundle-unreadable',
  'bundle-missing',
  'package-unreadable',
  'package-differs',
]
/** The same, where the server says it. */
const SAID_OF_ONE_RELEASE: readonly string[] = [
  'content-unfit',
  'content-opposed',
  'body-too-large',
  'release-exists',
  'invalid-request',
]

/** @throws what it is, when it is about more than this release */
export function leftOutBy(error: unknown, path: string): LeftOut {
  const isOfOne =
    (error instanceof CommandError && OF_ONE_RELEASE.includes(error.type)) ||
    (error instanceof ApiProblem && SAID_OF_ONE_RELEASE.includes(error.type))
  if (!isOfOne || !(error instanceof Error)) throw error
  return { path, reason: error.message.replace(/\.$/, '') }
}

export function tellLeftOut({ output }: Session, leftOut: readonly LeftOut[]) {
  for (const { path, reason } of leftOut) output.notice(`! ${path} is left out: ${reason}.`)
}
