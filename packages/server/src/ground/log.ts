import type { FastifyBaseLogger } from 'fastify'

/** What the modules that work in the background need of the log. */
export type Log = Pick<FastifyBaseLogger, 'error' | 'warn' | 'info'>

/** Takes log lines, one JSON object each. */
export interface LogStream {
  write(line: string): void
}
