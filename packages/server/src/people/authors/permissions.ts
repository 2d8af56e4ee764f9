import { ROLES, type Role } from '@hotpatch/api'

const READER = [
  'self:read',
  'apps:read',
  'releases:read',
  'rollouts:read',
  'cohorts:read',
  'experiments:read',
  'devices:read',
  'insights:read',
  'announcements:read',
  'metrics:read',
  'account:change',
] as const

const PUBLISHER = [
  ...READER,
  'releases:publish',
  'releases:archive',
  'rollouts:change',
  'cohorts:change',
  'experiments:change',
] as const

const ADMIN = [
  ...PUBLISHER,
  'apps:change',
  'channels:change',
  'keys:change',
  'sequences:raise',
  'devices:forget',
  'tokens:manage',
  'trust:manage',
  'people:manage',
  'webhooks:manage',
  'audit:read',
] as const

const OWNER = [...ADMIN, 'webhooks:all-apps', 'single-sign-on:manage'] as const

/** What somebody may do. Every route for people declares the one that it needs. */
export type Permission = (typeof OWNER)[number]

/** Roles select from the permissions. */
export const ROLE_PERMISSIONS: { readonly [Each in Role]: ReadonlySet<Permission> } = {
  owner: new Set(OWNER),
  admin: new Set(ADMIN),
  publisher: new Set(PUBLISHER),
  reader: new Set(READER),
}

/** From the one that may most. */
export function rolesWith(permission: Permission): Role[] {
  return ROLES.filter((role) => ROLE_PERMISSIONS[role].has(permission))
}

/** Whether somebody of this role may do all that one of the other may: nobody hands out more than they have. */
export function covers(role: Role, other: Role): boolean {
  return [...ROLE_PERMISSIONS[other]].every((permission) => ROLE_PERMISSIONS[role].has(permission))
}

/** The one that may most. */
export function strongest(roles: readonly Role[]): Role {
  return ROLES.find((role) => roles.includes(role)) ?? 'reader'
}

/** The one that may least. */
export function weakest(roles: readonly Role[]): Role {
  return ROLES.findLast((role) => roles.includes(role)) ?? 'reader'
}
