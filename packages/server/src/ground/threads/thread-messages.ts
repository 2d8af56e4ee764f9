/** What a thread is told: a question; that its asker gave up; or to end when all questions are answered. */
export type ToThread<Question> = { id: number; question: Question } | { id: number; isAborted: true } | 'close'

/** What it says: one answer to each question. */
export type FromThread<Answer> = { id: number; answer: Answer } | { id: number; error: TravelledError }

/** Of an error, what branches are taken on and what people read. Its class does not travel. */
export interface TravelledError {
  name: string
  message: string
  stack: string | undefined
  code: unknown
  errcode: unknown
}

export function packError(error: unknown): TravelledError {
  const { name, message, stack, code, errcode } = error as Error & { code?: unknown; errcode?: unknown }
  return { name, message, stack, code, errcode }
}

export function unpackError(error: TravelledError): Error {
  return Object.assign(new Error(error.message), error)
}
