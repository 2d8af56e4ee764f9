import type { FastifyPluginAsync } from 'fastify'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import type { CreateLimiter } from '../../ground/http/share-limits.ts'
import type { ResolveApp } from '../authors/resolve-app.ts'
import type { Accounts } from './accounts.ts'
import { accountRoutes } from './own/account-routes.ts'
import { personRoutes } from './persons/person-routes.ts'
import { signInRoutes } from './sign-in/sign-in-routes.ts'

export function accountsRoutes({
  accounts,
  resolveApp,
  publicUrl,
  createLimiter,
}: {
  accounts: Accounts
  resolveApp: ResolveApp
  publicUrl: PublicUrl
  createLimiter: CreateLimiter
}): FastifyPluginAsync[] {
  const { signIns, links, persons, signOutEveryone, own, passkeys } = accounts
  return [
    signInRoutes({ signIns, links, passkeys, publicUrl, createLimiter }),
    accountRoutes({ accounts: own, passkeys, getSession: signIns.getSession, publicUrl }),
    personRoutes({ persons, signOutEveryone, accounts: own, resolveApp, publicUrl }),
  ]
}
