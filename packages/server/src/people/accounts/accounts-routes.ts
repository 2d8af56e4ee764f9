import type { FastifyPluginAsync } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import type { Accounts } from './accounts.ts'
import { signInRoutes } from './sign-in/sign-in-routes.ts'

export function accountsRoutes({
  accounts,
  publicUrl,
  clock,
}: {
  accounts: Accounts
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  clock: Clock
}): FastifyPluginAsync[] {
  return [signInRoutes({ signIns: accounts.signIns, links: accounts.links, publicUrl, clock })]
}
