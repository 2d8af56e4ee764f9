import type { NewSignedAnswers, SignedAnswerSummary, StoredSignedAnswers } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow } from '../apps/app-service.ts'
import { readCertificate, readChain } from './certificate.ts'
import { readAnswer, requireSame, type ToldAnswer } from './read-answer.ts'
import {
  findAnswered,
  insertAnswers,
  listAnswers,
  listOneOfEachChannel,
  putCertificate,
  type SignedAnswerRow,
} from './signed-answer-store.ts'

/** Newest first; older ones are served all the same. */
const MAX_LISTED = 200

export type SignedAnswerService = ReturnType<typeof createSignedAnswerService>

/** Answers that publishers sign in advance, for clients that take no others (Expo §11). */
export function createSignedAnswerService({
  db,
  changes,
  raiseReleases,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  /** Catalogs have something new of them. */
  raiseReleases: (tx: Connection, change: Change, releaseIds: readonly string[]) => Promise<void>
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /**
   * All or none. The same again changes nothing.
   * @throws problem invalid-request, release-not-found or signature-invalid
   */
  async function add(app: AppRow, input: NewSignedAnswers, author: Author): Promise<StoredSignedAnswers> {
    const { keyId, platform } = input
    const certificate = readCertificate(input.certificate, clock.now())
    const chain = input.chain === undefined ? '' : readChain(input.chain, certificate)
    const rows: SignedAnswerRow[] = []
    for (const [index, { body, signature }] of input.answers.entries()) {
      if (!certificate.hasSigned(body, signature)) {
        throw problem(
          'signature-invalid',
          `answers/${index}: the key of the certificate has not signed exactly this body.`,
        )
      }
      const told = readAnswer(body, index)
      rows.push({
        id: newId(),
        app_id: app.id,
        platform,
        key_id: keyId,
        says: told.says,
        release_id: told.says === 'update' ? await findRelease(app, input, told, { body, index }) : null,
        answered_at: told.at,
        body,
        signature,
        created_at: clock.now(),
        created_by: nameOf(author),
      })
    }
    await changes.run(async (tx, change) => {
      const by = { created_at: clock.now(), created_by: nameOf(author) }
      await putCertificate(tx, { app_id: app.id, key_id: keyId, certificate: certificate.pem, chain, ...by })
      await insertAnswers(tx, rows)
      const releaseIds = rows.flatMap(({ release_id }) => release_id ?? [])
      await raiseReleases(tx, change, [
        ...new Set([...releaseIds, ...(await listOneOfEachChannel(tx, app.id, platform))]),
      ])
      await audit.record(tx, author, {
        action: 'answers.signed',
        subject: ['app', app.id],
        appId: app.id,
        after: { platform, keyId, answers: rows.map(summaryOf) },
      })
    })
    return { items: rows.map(summaryOf) }
  }

  /** @throws problem release-not-found, or invalid-request when it says something else than the release */
  async function findRelease(
    app: AppRow,
    { platform }: NewSignedAnswers,
    told: Extract<ToldAnswer, { says: 'update' }>,
    { body, index }: { body: string; index: number },
  ): Promise<string> {
    const { digestStart } = told
    const release = await findAnswered(db, { appId: app.id, platform, digestStart })
    if (!release) {
      const detail = `answers/${index}/body: the app has no export of Expo's for ${platform} whose files.json begins with ${digestStart}.`
      throw problem('release-not-found', detail)
    }
    requireSame(told, body, release, { appNames: [app.slug, app.id], index })
    return release.id
  }

  async function list(app: AppRow): Promise<StoredSignedAnswers> {
    return { items: (await listAnswers(db, app.id, MAX_LISTED)).map(summaryOf) }
  }

  return { add, list }
}

function summaryOf({ says, release_id, answered_at }: SignedAnswerRow): SignedAnswerSummary {
  return { says, releaseId: release_id, answeredAt: timestamp(answered_at) }
}
