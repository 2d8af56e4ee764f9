import type { Role } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { grantOf, type Grant } from './actor.ts'
import { ROLE_PERMISSIONS, type Permission } from './permissions.ts'

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
  return {
    ...whole,
    channels: channels ?? null,
    permissions: permissions ? new Set(permissions.map((name) => readPermission(name, role))) : whole.permissions,
  }
}

function readPermission(name: string, role: Role): Permission {
  const found = [...ROLE_PERMISSIONS[role]].find((permission) => permission === name)
  if (found) return found
  throw problem('invalid-request', `permissions: expected those that the role ${role} has, found "${name}".`)
}
