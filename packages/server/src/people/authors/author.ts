import type { FastifyRequest } from 'fastify'
import type { Actor } from './actor.ts'

/** Who changes something: somebody with a token, or the server by itself, for a guard or a plan. */
export type Author = TokenAuthor | { kind: 'server' } | { kind: 'guard' } | { kind: 'plan' }

export interface TokenAuthor {
  kind: 'token'
  actor: Actor
  address: string | null
  requestId: string | null
}

/** The first start, and what the server ends by itself. */
export const SERVER: Author = { kind: 'server' }

/** For routes for people. */
export function authorOf(request: FastifyRequest): TokenAuthor {
  if (!request.actor) throw new Error('This route does not authenticate its callers.')
  return { kind: 'token', actor: request.actor, address: request.ip, requestId: request.id }
}

/** For people to read. */
export function nameOf(author: Author): string {
  return author.kind === 'token' ? author.actor.name : author.kind
}

/** Whose role and app bound what the author may do; null of the server, which nothing bounds. */
export function actorOf(author: Author): Actor | null {
  return author.kind === 'token' ? author.actor : null
}

export function isForOneApp(author: Author): boolean {
  return author.kind === 'token' && author.actor.appId !== null
}
