import type { Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { ROLE_PERMISSIONS, type Permission } from './permissions.ts'

/** Who is calling: an API token, by itself or through an access token that it was exchanged for. */
export interface Actor {
  tokenId: string
  name: string
  role: Role
  /** Null: every app. */
  appId: string | null
  expiresAt: number | null
}

export function may({ role }: Actor, permission: Permission): boolean {
  return ROLE_PERMISSIONS[role].has(permission)
}

/** @throws problem forbidden when the actor's token is for one app */
export function requireAllApps(actor: Actor): void {
  if (actor.appId !== null) throw problem('forbidden', 'This token is for one app, and this is about all of them.')
}

/** @throws problem forbidden when the actor's token is for another app */
export function requireApp(actor: Actor | null, appId: string): void {
  if (actor?.appId !== undefined && actor.appId !== null && actor.appId !== appId) {
    throw problem('forbidden', 'This token is for another app.')
  }
}
