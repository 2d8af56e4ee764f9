import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../../ground/database/schema.ts'

/** What sign-in is built on. */
export interface AuthSettings {
  db: Database
  /** The first signs and encrypts, each decrypts. */
  secrets: readonly { version: number; value: string }[]
  newId: () => string
  log: FastifyBaseLogger
  /**
   * Asked before each new session of somebody who is not disabled, however it comes about.
   * @param context of the library's endpoint that begins it
   */
  mayBegin(personId: string, context: unknown): Promise<boolean>
}
