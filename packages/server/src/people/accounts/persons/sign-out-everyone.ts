import type { EverybodySignedOut } from '@hotpatch/api'
import type { AccessService } from '../../access/access-service.ts'
import type { AuditService } from '../../audit/audit-service.ts'
import { requireAllApps } from '../../authors/actor.ts'
import type { Caller } from '../../authors/author.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { deleteGivenLinks } from '../tables/one-time-link-table.ts'
import { deleteSignInsUnderWay, endSessionsOfAll } from '../tables/person-table.ts'

export type SignOutEveryone = ReturnType<typeof createSignOutEveryone>

/**
 * Ends what may be out there and is not known to be meant: after a restored backup, what was ended or used since it was
 * made would go on. Passwords, second factors and tokens of people stay: who had them then is to look through them.
 */
export function createSignOutEveryone({
  db,
  audit,
  endShortLivedTokens,
}: {
  db: Database
  audit: AuditService
  endShortLivedTokens: AccessService['endShortLivedTokens']
}) {
  return async function signOutEveryone(author: Caller): Promise<EverybodySignedOut> {
    requireAllApps(author.actor)
    return db.transaction().execute(async (tx) => {
      const ended = {
        sessions: await endSessionsOfAll(tx),
        links: await deleteGivenLinks(tx),
        tokens: await endShortLivedTokens(tx, author),
      }
      await deleteSignInsUnderWay(tx)
      await audit.record(tx, author, {
        action: 'person.everyone-signed-out',
        subject: ['person', 'everyone'],
        after: ended,
      })
      return ended
    })
  }
}
