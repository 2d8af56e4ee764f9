import type { Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { covers, ROLE_PERMISSIONS, strongest, weakest, type Permission } from './permissions.ts'

/** What somebody may do somewhere. */
export interface Grant {
  role: Role
  /** Null: every app. */
  appId: string | null
  /** Null: every channel. */
  channels: readonly string[] | null
  /** Those of the role, or fewer. */
  permissions: ReadonlySet<Permission>
}

/**
 * Who is calling: a person who is signed in; or an API token, by itself or through an access token that it was exchanged
 * for. On a route it has only the grants with the route's permission: what it may do there, it may do where they say.
 */
export interface Actor {
  kind: 'token' | 'person'
  /** Of the token, or of the person. */
  id: string
  /** For people to read. */
  name: string
  /** Who is behind it: the person himself, or who made the token. Null of a token that nobody stands behind. */
  personId: string | null
  grants: readonly Grant[]
  expiresAt: number | null
  /** By which a job got the token. */
  trustRuleId?: string | undefined
}

/** All that a role may do: everywhere, unless an app is named. */
export function grantOf(role: Role, appId: string | null = null): Grant {
  return { role, appId, channels: null, permissions: ROLE_PERMISSIONS[role] }
}

/** @param appId there; anywhere, when none is named */
export function may({ grants }: Actor, permission: Permission, appId?: string): boolean {
  return grants.some((grant) => grant.permissions.has(permission) && (appId === undefined || reaches(grant, appId)))
}

/** The same with only the grants that have this permission. Undefined when none has. */
export function narrowTo(actor: Actor, permission: Permission): Actor | undefined {
  const grants = actor.grants.filter(({ permissions }) => permissions.has(permission))
  return grants.length === 0 ? undefined : { ...actor, grants }
}

/** Of which apps; null: of every one. */
export function appsOf(actor: Actor | null): readonly string[] | null {
  if (!actor) return null
  const ids = actor.grants.map(({ appId }) => appId)
  return ids.includes(null) ? null : [...new Set(ids as string[])]
}

/** Of the one app that all its grants are for; null when there is no such one. */
export function onlyAppOf(actor: Actor | null): string | null {
  const [only, ...more] = appsOf(actor) ?? []
  return only !== undefined && more.length === 0 ? only : null
}

/** The one that may most of those that it has, wherever it has them. */
export function roleOf({ grants }: Actor): Role {
  return strongest(grants.map(({ role }) => role))
}

/** @throws problem forbidden when the actor may not for all apps */
export function requireAllApps(actor: Actor): void {
  if (appsOf(actor) !== null)
    throw problem('forbidden', `${sayWho(actor)} for every app, and this is about all of them.`)
}

/** @throws problem forbidden when the actor may not for this app */
export function requireApp(actor: Actor | null, appId: string): void {
  if (actor?.grants.some((grant) => reaches(grant, appId)) === false) {
    throw problem('forbidden', actor.kind === 'token' ? 'This token is for another app.' : 'You may not for this app.')
  }
}

/** @throws problem forbidden when the actor may not on this channel of the app */
export function requireChannel(actor: Actor | null, appId: string, channel: string): void {
  requireApp(actor, appId)
  if (actor?.grants.some((grant) => reaches(grant, appId, channel)) === false) {
    const own = [...new Set(actor.grants.flatMap((grant) => (reaches(grant, appId) ? (grant.channels ?? []) : [])))]
    throw problem('forbidden', `This token is for the channel ${own.join(' or ')}, and not for ${channel}.`)
  }
}

function reaches(grant: Grant, appId: string, channel?: string): boolean {
  if (grant.appId !== null && grant.appId !== appId) return false
  return channel === undefined || grant.channels === null || grant.channels.includes(channel)
}

function sayWho({ kind }: Actor): string {
  return kind === 'token' ? 'This token is not' : 'You may not'
}

/** What both allow: nobody may more by a token than by himself. */
export function boundBy(grants: readonly Grant[], bounds: readonly Grant[]): readonly Grant[] {
  return grants.flatMap((grant) => bounds.flatMap((bound) => overlap(grant, bound) ?? []))
}

function overlap(one: Grant, other: Grant): Grant | undefined {
  if (one.appId !== null && other.appId !== null && one.appId !== other.appId) return undefined
  const channels = one.channels && other.channels ? one.channels.filter((each) => other.channels?.includes(each)) : null
  return {
    role: weakest([one.role, other.role]),
    appId: one.appId ?? other.appId,
    channels: channels ?? one.channels ?? other.channels,
    permissions: new Set([...one.permissions].filter((permission) => other.permissions.has(permission))),
  }
}

/** Whether one of these lets its holder do all that the other would. */
export function coversGrant(grants: readonly Grant[], wanted: Grant): boolean {
  return grants.some(
    ({ role, appId, channels, permissions }) =>
      covers(role, wanted.role) &&
      (appId === null || appId === wanted.appId) &&
      (channels === null || wanted.channels?.every((channel) => channels.includes(channel)) === true) &&
      [...wanted.permissions].every((permission) => permissions.has(permission)),
  )
}

/**
 * Nobody gives, takes or touches more than he has.
 * @throws problem forbidden
 */
export function requireCovers(actor: Actor, wanted: Grant): void {
  if (coversGrant(actor.grants, wanted)) return
  const { role, appId } = wanted
  const where = appId === null ? 'every app' : 'this app'
  const whose = actor.kind === 'token' ? 'This token has' : 'You have'
  throw problem(
    'forbidden',
    `${whose} no more than the role ${roleOf(actor)}, or not there: it takes ${role} for ${where}.`,
  )
}
