import { grantOf, type Actor } from '../../authors/actor.ts'
import type { Caller } from '../../authors/author.ts'
import type { Connection } from '../../../ground/database/schema.ts'
import { listGrants, type GrantRow, type PersonRow } from '../tables/person-table.ts'

export function actorOfPerson(person: Pick<PersonRow, 'id' | 'name'>, grants: readonly GrantRow[]): Actor {
  return {
    kind: 'person',
    id: person.id,
    name: person.name,
    personId: person.id,
    grants: grants.map(({ role, app_id: appId }) => grantOf(role, appId)),
    expiresAt: null,
  }
}

/** Of what somebody does before there is a session. */
export async function callerOf(
  db: Connection,
  person: Pick<PersonRow, 'id' | 'name'>,
  from: { ip: string; id: string },
): Promise<Caller> {
  const actor = actorOfPerson(person, await listGrants(db, [person.id]))
  return { kind: 'person', actor, address: from.ip, requestId: from.id }
}
