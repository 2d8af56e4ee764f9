import type { Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { Schema } from '../../ground/database/schema.ts'
import { grantOf, type Grant } from './actor.ts'
import { reachesChannels, ROLE_PERMISSIONS, type Permission } from './permissions.ts'

/** What somebody is to get. @throws problem invalid-request */
export function readGrant({
  role,
  appId,
  channels,
  permissions,
}: {
  role: Role
  appId: string | null
  channels: readonly string[] | undefined
  permissions: readonly string[] | undefined
}): Grant {
  const whole = grantOf(role, appId)
  if (channels && appId === null) throw problem('invalid-request', 'channels: expected an app with them, found none.')
  const given = permissions?.map((name) => readPermission(name, role)) ?? [...whole.permissions]
  const unfit = given.find((permission) => !reachesChannels(permission))
  if (channels && permissions && unfit !== undefined) {
    throw problem('invalid-request', `permissions: ${unfit} cannot be had for some channels only.`)
  }
  const fit = channels ? given.filter(reachesChannels) : given
  return { ...whole, channels: channels ?? null, permissions: new Set<Permission>(['self:read', ...fit]) }
}

/** What a token's row says, which is read anew with every request. */
export function storedGrant({
  role,
  app_id: appId,
  channels,
  permissions,
}: Pick<Schema['api_token'], 'role' | 'app_id' | 'channels' | 'permissions'>): Grant {
  const whole = grantOf(role, appId)
  const named = permissions === null ? undefined : new Set(JSON.parse(permissions) as string[])
  const had = [...whole.permissions].filter(
    (permission) => (named?.has(permission) ?? true) && (channels === null || reachesChannels(permission)),
  )
  return {
    ...whole,
    channels: channels === null ? null : (JSON.parse(channels) as string[]),
    permissions: new Set<Permission>(['self:read', ...had]),
  }
}

/** As a token's row keeps it. */
export function grantColumns({ role, appId, channels, permissions }: Grant) {
  const isWhole = [...ROLE_PERMISSIONS[role]].every((permission) => permissions.has(permission))
  return {
    role,
    app_id: appId,
    channels: channels && JSON.stringify(channels),
    permissions: isWhole ? null : JSON.stringify([...permissions]),
  }
}

function readPermission(name: string, role: Role): Permission {
  const found = [...ROLE_PERMISSIONS[role]].find((permission) => permission === name)
  if (found) return found
  throw problem('invalid-request', `permissions: expected those that the role ${role} has, found "${name}".`)
}
