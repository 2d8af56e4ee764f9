import { problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import { onlyAppOf } from '../people/authors/actor.ts'
import type { AppRow, AppService } from '../shipping/apps/app-service.ts'

/**
 * Of contracts whose paths need not name an app: by the address, by name, or the one app that the caller is for.
 * @throws problem invalid-request, app-not-found or forbidden
 */
export async function resolveNamedApp(
  apps: AppService,
  request: FastifyRequest,
  named: string | undefined,
): Promise<AppRow> {
  const { slug } = request.params as { slug?: string }
  const name = slug ?? named ?? onlyAppOf(request.actor)
  if (!name) throw problem('invalid-request', 'Expected "app" with the id or slug of the app, found none.')
  return apps.resolve(request.actor, name)
}
