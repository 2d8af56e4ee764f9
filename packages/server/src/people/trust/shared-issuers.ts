import type { TrustCondition } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'

/** What of a claim has to be said in full, so that it names somebody. */
type NamesSomebody = RegExp

const NUMBER: NamesSomebody = /^\d+$/
const WHOLE: NamesSomebody = /^[^*]+$/

/**
 * Issuers that give tokens to everybody in the world who has an account: without a condition that names whose they are,
 * each of them would be let in.
 */
const SHARED_ISSUERS: readonly { issuer: string; claims: Readonly<Record<string, NamesSomebody>> }[] = [
  {
    issuer: 'https://token.actions.githubusercontent.com',
    claims: {
      repository: /^[^*/:]+\//,
      repository_id: NUMBER,
      repository_owner: WHOLE,
      repository_owner_id: NUMBER,
      sub: /^repo:[^*/:]+\//,
    },
  },
  {
    issuer: 'https://gitlab.com',
    claims: {
      project_path: /^[^*/:]+\//,
      project_id: NUMBER,
      namespace_path: /^[^*/:]+(?:\/|$)/,
      namespace_id: NUMBER,
      sub: /^project_path:[^*/:]+\//,
    },
  },
  {
    issuer: 'https://agent.buildkite.com',
    claims: { organization_slug: WHOLE, organization_id: WHOLE, sub: /^organization:[^*/:]+:/ },
  },
  { issuer: 'https://accounts.google.com', claims: { sub: NUMBER, email: WHOLE } },
]

/** @throws problem invalid-request when the conditions would let in everybody who has an account there */
export function requireNamesSomebody(issuer: string, conditions: readonly TrustCondition[]): void {
  const shared = SHARED_ISSUERS.find((each) => issuer === each.issuer || issuer.startsWith(`${each.issuer}/`))
  if (!shared) return requireSomethingSaid(conditions)
  // Not `job_workflow_ref`: it says which workflow runs, and everybody can run a public one.
  const isNamed = conditions.some(({ claim, matches }) =>
    Object.entries(shared.claims).some(([name, whole]) => claim === name && whole.test(matches)),
  )
  if (isNamed) return
  const able = Object.keys(shared.claims).join(', ')
  throw problem(
    'invalid-request',
    `conditions: ${issuer} gives tokens to everybody. Expected one of ${able} that names whose they are without "*" before the name is whole.`,
  )
}

function requireSomethingSaid(conditions: readonly TrustCondition[]): void {
  if (conditions.some(({ matches }) => !/^[*/:]*$/.test(matches))) return
  throw problem('invalid-request', 'conditions: expected one that says more than "*".')
}
