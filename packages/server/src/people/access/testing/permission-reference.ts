import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ROLES, type Role } from '@hotpatch/api'
import { PERMISSIONS, rolesWith, type Permission } from '../../authors/permissions.ts'

/** The page that operators read. */
export const REFERENCE = fileURLToPath(new URL('../../../../../../docs/reference/permissions.md', import.meta.url))

const BEFORE = `# Permissions

<!-- Made of packages/server/src/people/authors/permissions.ts; a test holds it, and writes it with \`-u\`. -->

Who calls is a person who is signed in, or an API token. Each has grants: a role, over everything or for one app. A role
is a choice of permissions; each address needs one of them, and a request may do there what the grants with that
permission allow, where they allow it.

- **Nobody gives more than he has.** Whoever makes a token, a rule for CI or an invitation gives at most his own role,
  permissions, app, channels, addresses and time; and revokes or changes only what has no more than that.
- **What people get is for no time and no address.** So a token that expires or is for some addresses gives them nothing: it
  invites nobody, changes no roles and makes no links.
- **A token may no more than the person behind it may now.** Behind a token is who made it, also by another token. When
  his grants shrink, his tokens shrink with them, at once; when he is disabled, they rest.
- **Channels.** A token can be for some channels of an app. It then has only permissions that the table marks with
  "channel", sees the app as every reader does, and changes nothing on other channels.
- **Addresses.** A token can be for some addresses. Which one a request comes from is the connection's, or what a proxy
  says that \`HOTPATCH_TRUST_PROXY\` names; what clients write into headers themselves does not count.
- **A cookie is believed from this server's pages only**: what changes something needs \`Sec-Fetch-Site: same-origin\`, or
  an \`Origin\` of this server.

## Protected channels

\`hotpatch channels protect production --role owner --needs-approval\` says who may publish to a channel: roles, people, API
tokens, trust rules. Nobody else starts, widens, resumes, withdraws or rolls back anything there, nor changes its guards,
by whichever contract; pausing and halting stay open to whoever may change rollouts, guards and plans go on. Who is named
as a person may by his tokens, too; a token that is named may itself, and not what is made with it. The protection is
changed by those whom it lets in, and by owners.

With \`--needs-approval\`, what is started is placed, reaches nobody and is a **proposal**, as is what is widened or resumed:
the answer is \`approval-awaited\`, and nothing has changed. Another person approves it, signed in or by a token of his own:
not who proposed it, not by a token, and not a token that nobody stands behind. A change of the rollout in between makes
the proposal worthless (\`rollout-changed\`); narrowing and stopping wait for nobody. Steps of a plan are approved with it.
Arms of an A/B test start together.

Who is in a cohort that a rollout there names is changed by those whom the channel lets in; where it takes a second person,
nobody is put into it (\`approval-required\`): name another cohort in the rollout, which is then proposed.

What it cannot do: whoever may make people or is an owner can make a second person, which is in the audit log.

## The table

| permission | roles | for less than everything | lets |
|---|---|---|---|
`

const REACH = { server: 'no', app: 'app', channel: 'app, channel' } as const

/** As docs/reference/permissions.md has it. */
export function permissionReference(routes: readonly { method: string; url: string; access: Permission }[]): string {
  const names = Object.keys(PERMISSIONS) as Permission[]
  const rows = names.map((name) => {
    const { reach, lets } = PERMISSIONS[name]
    return `| \`${name}\` | ${rolesWith(name).toReversed().join(', ')} | ${REACH[reach]} | ${lets} |`
  })
  const own = routes.filter(({ method, url }) => method !== 'HEAD' && url.startsWith('/manage/v1/'))
  const addresses = own.map(({ method, url, access }) => `| \`${method} ${url}\` | \`${access}\` |`)
  return [
    `${BEFORE}${rows.join('\n')}`,
    '## Addresses of the management API',
    'Those of the systems whose contracts are served need what the same deed needs here.',
    `| address | permission |\n|---|---|\n${[...new Set(addresses)].sort().join('\n')}\n`,
  ].join('\n\n')
}

/** Which roles the page says may what. */
export function readPermissionReference(): Map<string, ReadonlySet<Role>> {
  const rows = readFileSync(REFERENCE, 'utf8').matchAll(/^\| `([a-z-]+:[a-z-]+)` \| ([a-z, ]+) \|/gm)
  return new Map(
    [...rows].map(([, permission = '', roles = '']) => [
      permission,
      new Set(ROLES.filter((role) => roles.split(', ').includes(role))),
    ]),
  )
}
