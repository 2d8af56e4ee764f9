import type { AccessService } from '../../access/access-service.ts'
import { boundBy, type Actor, type Grant } from '../../authors/actor.ts'
import type { Connection } from '../../../ground/database/schema.ts'
import { findPerson, listGrants } from '../tables/person-table.ts'
import { actorOfPerson } from './actor-of-person.ts'

/** Who does something, or did: a token, and else a person. */
export interface Doer {
  tokenId: string | null
  personId: string | null
}

/** What somebody may do now. */
export interface Standing {
  grants: readonly Grant[]
  /** To a time or to addresses, as tokens can be. */
  isBound: boolean
}

export type Standings = ReturnType<typeof createStandings>

/**
 * What became of who does something: a request may take long to arrive, and a link is used days after it was made.
 */
export function createStandings({ findWorkingToken }: { findWorkingToken: AccessService['findWorking'] }) {
  /** Undefined of who may nothing any more. */
  async function find(tx: Connection, { tokenId, personId }: Doer): Promise<Standing | undefined> {
    if (tokenId === null) return personId === null ? undefined : ofPerson(tx, personId)
    const token = await findWorkingToken(tx, tokenId)
    if (!token || token.personId === null) return token
    const behind = await ofPerson(tx, token.personId)
    return behind && { ...token, grants: boundBy(token.grants, behind.grants) }
  }

  async function ofPerson(tx: Connection, id: string): Promise<Standing | undefined> {
    const person = await findPerson(tx, id)
    if (!person || person.disabled_at !== null) return undefined
    return { grants: actorOfPerson(person, await listGrants(tx, [id])).grants, isBound: false }
  }

  return { find }
}

export function doerOf({ kind, id, personId }: Actor): Doer {
  return { tokenId: kind === 'token' ? id : null, personId }
}
