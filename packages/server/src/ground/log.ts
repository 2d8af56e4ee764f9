import type { FastifyBaseLogger } from 'fastify'

/** What the modules that work in the background need of the log. */
export type Log = Pick<FastifyBaseLogger, 'error' | 'warn' | 'info'>
