import { ROLES, type PermissionEntry, type Role } from '@hotpatch/api'

/** How narrow a permission can be: only whole, by app, or by app and channel. */
type Reach = 'server' | 'app' | 'channel'

interface PermissionRow {
  /** The role that may least of those that have it: each has what those below it have. */
  from: Role
  reach: Reach
  /** For people to read. */
  lets: string
}

/**
 * The one table of what somebody may do. Every route for people declares the permission that it needs.
 * docs/reference/permissions.md is made of it.
 */
export const PERMISSIONS = {
  'self:read': { from: 'reader', reach: 'channel', lets: 'Ask who one is; of a token, end itself' },
  'apps:read': {
    from: 'reader',
    reach: 'channel',
    lets: 'See apps, their channels and settings, and what needs attention',
  },
  'releases:read': { from: 'reader', reach: 'channel', lets: 'See releases, their files, patches and signatures' },
  'rollouts:read': { from: 'reader', reach: 'channel', lets: 'See rollouts, proposals, plans and guards' },
  'cohorts:read': { from: 'reader', reach: 'channel', lets: 'See cohorts and who is in them' },
  'experiments:read': { from: 'reader', reach: 'channel', lets: 'See A/B tests' },
  'devices:read': { from: 'reader', reach: 'channel', lets: 'See devices, and why one gets what it gets' },
  'insights:read': { from: 'reader', reach: 'channel', lets: 'See figures' },
  'announcements:read': { from: 'reader', reach: 'channel', lets: 'See what happens, and follow the live stream' },
  'metrics:read': { from: 'reader', reach: 'server', lets: 'Read /metrics' },
  'account:change': { from: 'reader', reach: 'server', lets: "Change one's own account; only who is signed in" },
  'releases:publish': {
    from: 'publisher',
    reach: 'channel',
    lets: 'Upload, publish, sign, and make patches and variants',
  },
  'releases:archive': { from: 'publisher', reach: 'app', lets: 'Archive a release, which takes it back everywhere' },
  'rollouts:change': {
    from: 'publisher',
    reach: 'channel',
    lets: 'Promote, widen, pause, resume, halt, roll back; and approve what somebody else has proposed',
  },
  'cohorts:change': { from: 'publisher', reach: 'app', lets: 'Make cohorts, and say who is in them' },
  'experiments:change': { from: 'publisher', reach: 'channel', lets: 'Start and finish A/B tests' },
  'apps:change': { from: 'admin', reach: 'app', lets: 'Make apps, and change their settings' },
  'channels:change': { from: 'admin', reach: 'app', lets: 'Make channels, their keys and install pages' },
  'channels:protect': {
    from: 'admin',
    reach: 'app',
    lets: 'Say who may publish to a channel, and whether it takes two',
  },
  'keys:change': { from: 'admin', reach: 'app', lets: 'Add and retire the keys that sign releases' },
  'sequences:raise': { from: 'admin', reach: 'app', lets: 'Raise the sequence of an app' },
  'devices:forget': { from: 'admin', reach: 'app', lets: 'Forget a device with all that is known of it' },
  'tokens:manage': { from: 'admin', reach: 'app', lets: 'Make, see and revoke API tokens' },
  'trust:manage': { from: 'admin', reach: 'app', lets: 'Say which CI jobs get tokens' },
  'people:manage': { from: 'admin', reach: 'app', lets: 'Invite people, and say what they may do' },
  'webhooks:manage': { from: 'admin', reach: 'app', lets: 'Make webhooks, and see what they were told' },
  'audit:read': { from: 'admin', reach: 'app', lets: 'See who did what' },
  'single-sign-on:manage': { from: 'owner', reach: 'server', lets: 'Say by which single sign-on people come in' },
  'people:sign-out-all': {
    from: 'owner',
    reach: 'server',
    lets: 'End all sessions, one-time links and short-lived tokens of everybody',
  },
  'webhooks:all-apps': { from: 'owner', reach: 'server', lets: 'Make webhooks that are told of every app' },
} as const satisfies Record<string, PermissionRow>

/** What somebody may do. */
export type Permission = keyof typeof PERMISSIONS

const ROWS = Object.entries(PERMISSIONS) as [Permission, PermissionRow][]

/** Roles select from the permissions. */
export const ROLE_PERMISSIONS = Object.fromEntries(ROLES.map((role) => [role, permissionsOf(role)])) as {
  readonly [Each in Role]: ReadonlySet<Permission>
}

function permissionsOf(role: Role): ReadonlySet<Permission> {
  const has = ({ from }: PermissionRow) => ROLES.indexOf(from) >= ROLES.indexOf(role)
  return new Set(ROWS.filter(([, row]) => has(row)).map(([name]) => name))
}

/** Whether somebody who is for some channels of an app only can have it. */
export function reachesChannels(permission: Permission): boolean {
  return PERMISSIONS[permission].reach === 'channel'
}

/** From the one that may most. */
export function rolesWith(permission: Permission): Role[] {
  return ROLES.filter((role) => ROLE_PERMISSIONS[role].has(permission))
}

/** For whoever chooses some of them. */
export function listPermissions(): PermissionEntry[] {
  return ROWS.map(([name, { reach, lets }]) => ({ name, roles: rolesWith(name), reach, lets }))
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
