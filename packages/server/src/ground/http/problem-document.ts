import { PROBLEM_TYPE_BASE, type ProblemDocument } from '@hotpatch/api'
import { problem, type Problem } from '@hotpatch/protocol'
import { StorageError } from '../storage/storage-error.ts'
import { isOutage } from './is-outage.ts'
import type { PlainAnswer } from './plain-request.ts'

export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8'

const LATER = 'Try again in a moment.'

/** RFC 9457. */
export function renderProblem(known: Problem, requestId: string): string {
  const { retryAfterSeconds: _, ...extensions } = known.extensions
  const document: ProblemDocument = {
    ...extensions,
    type: PROBLEM_TYPE_BASE + known.type,
    title: known.title,
    status: known.status,
    detail: known.message,
    instance: `urn:request:${requestId}`,
  }
  return JSON.stringify(document)
}

/** A bug: says nothing about the inside. */
export function renderUnexpected(requestId: string): string {
  const document: ProblemDocument = {
    type: 'about:blank',
    title: 'Something went wrong here',
    status: 500,
    detail: 'The server met an error that it did not expect. Its log has it under this instance.',
    instance: `urn:request:${requestId}`,
  }
  return JSON.stringify(document)
}

/** A cache would keep "not found" for a while by itself, and so hide what is published in the meantime. */
export function problemHeaders(known: Pick<Problem, 'status' | 'extensions'>): string[] {
  const headers = ['content-type', PROBLEM_CONTENT_TYPE, 'cache-control', 'no-store', ...retryHeaders(known)]
  if (known.status === 401) headers.push('www-authenticate', 'Bearer')
  return headers
}

/** When to come back, where that is known. */
export function retryHeaders({ extensions }: Pick<Problem, 'extensions'>): string[] {
  const { retryAfterSeconds } = extensions
  return typeof retryAfterSeconds === 'number' ? ['retry-after', String(retryAfterSeconds)] : []
}

/** The answer to a device that reads problems as ours do. */
export function problemAnswer(known: Problem, requestId: string): PlainAnswer {
  return { status: known.status, headers: problemHeaders(known), body: renderProblem(known, requestId) }
}

/** Undefined when it is no outage of the database or of the storage. */
export function translateOutage(error: unknown): Problem | undefined {
  if (error instanceof StorageError)
    return problem('unavailable', `${error.message} ${LATER}`, { retryAfterSeconds: 5 })
  if (!isOutage(error)) return undefined
  return problem('unavailable', `The database cannot be used now. ${LATER}`, { retryAfterSeconds: 5 })
}
