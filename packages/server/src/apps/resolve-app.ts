import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { AppRow } from './app-store.ts'

/** The app that a request names by id or slug, after checking that its token may touch it. */
export type ResolveApp = (request: FastifyRequest, idOrSlug: string) => Promise<AppRow>

/** Of every route below /apps/:app. */
export const AppParams = Type.Object({ app: Type.String({ description: 'Id or slug' }) })
