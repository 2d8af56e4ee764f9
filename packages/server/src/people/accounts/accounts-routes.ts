import type { FastifyPluginAsync } from 'fastify'
import type { Clock } from '../../ground/clock.ts'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import type { Accounts } from './accounts.ts'
import { accountRoutes } from './own/account-routes.ts'
import { personRoutes } from './persons/person-routes.ts'
import { signInRoutes } from './sign-in/sign-in-routes.ts'

export function accountsRoutes({
  accounts,
  resolveApp,
  publicUrl,
  clock,
}: {
  accounts: Accounts
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  clock: Clock
}): FastifyPluginAsync[] {
  const { signIns, links, persons, signOutEveryone, own, passkeys } = accounts
  return [
    signInRoutes({ signIns, links, passkeys, publicUrl, clock }),
    accountRoutes({ accounts: own, passkeys, getSession: signIns.getSession, publicUrl }),
    personRoutes({ persons, signOutEveryone, accounts: own, resolveApp, publicUrl }),
  ]
}
