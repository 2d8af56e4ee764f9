import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { Schema } from '../../ground/database/schema.ts'

/**
 * The app that a request names by id or slug, after checking that its token may touch it.
 * @throws problem app-not-found or forbidden
 */
export type ResolveApp = (request: FastifyRequest, idOrSlug: string) => Promise<Schema['app']>

/** Of every route below /apps/:app. */
export const AppParams = Type.Object({ app: Type.String({ description: 'Id or slug' }) })
