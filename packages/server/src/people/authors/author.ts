import type { FastifyRequest } from 'fastify'
import { appsOf, type Actor } from './actor.ts'

/** Who changes something: somebody who calls; or the server by itself, for a guard or a plan. */
export type Author = Caller | { kind: 'server' } | { kind: 'guard' } | { kind: 'plan' }

/** A person, or whoever has a token. */
export interface Caller {
  kind: Actor['kind']
  actor: Actor
  address: string | null
  requestId: string | null
  /** The id of a proposal of somebody else's that this carries out. */
  approves?: string
}

/** The first start, and what the server ends by itself. */
export const SERVER: Author = { kind: 'server' }

/** For routes for people. */
export function authorOf(request: FastifyRequest): Caller {
  const { actor } = request
  if (!actor) throw new Error('This route does not authenticate its callers.')
  return { kind: actor.kind, actor, address: request.ip, requestId: request.id }
}

export function isCaller(author: Author): author is Caller {
  return author.kind === 'token' || author.kind === 'person'
}

/** For people to read. */
export function nameOf(author: Author): string {
  return isCaller(author) ? author.actor.name : author.kind
}

/** Whose grants bound what the author may do; null of the server, which nothing bounds. */
export function actorOf(author: Author): Actor | null {
  return isCaller(author) ? author.actor : null
}

/** Whether not every app is the author's. */
export function isForSomeApps(author: Author): boolean {
  return appsOf(actorOf(author)) !== null
}
