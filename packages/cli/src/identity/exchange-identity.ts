import { ApiProblem, ServerUnreachable, type ExchangedToken } from '@hotpatch/api'
import { given } from '../arguments/given.ts'
import type { CliContext } from '../process/context.ts'
import { createClient } from '../session/session.ts'
import { findIdentitySource } from './identity-token.ts'

const TRIES = 3
const PAUSE_MS = 6_000

/** A short-lived token for this job, by what its CI says of it. */
export async function exchangeIdentity(
  context: CliContext,
  url: string,
  { rule, audience = url }: { rule?: string | undefined; audience?: string | undefined },
): Promise<ExchangedToken> {
  const source = findIdentitySource(context)
  const api = createClient(context, url, undefined)
  for (let tried = 1; ; tried += 1) {
    try {
      return await api.exchangeToken({ subject_token: await source.ask(audience), ...given({ rule }) })
    } catch (error) {
      if (tried === TRIES || !canGoWell(error, source.isFresh)) throw error
      await context.pause(PAUSE_MS)
    }
  }
}

/** What was not answered may have been done: then only another token can be exchanged. */
function canGoWell(error: unknown, isFresh: boolean): boolean {
  if (error instanceof ServerUnreachable) return isFresh
  return error instanceof ApiProblem && ['issuer-unusable', 'too-many-requests', 'unavailable'].includes(error.type)
}
