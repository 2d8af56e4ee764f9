import type {
  NewSignedAnswers,
  SignedAnswer,
  SignedAnswerFilter,
  SignedAnswerSummary,
  StoredSignedAnswers,
} from '@hotpatch/api'
import { MAX_FILES_MANIFEST_BYTES, problem, readFilesManifest, type Platform } from '@hotpatch/protocol'
import { DAY_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { AppRow } from '../apps/app-service.ts'
import type { ArtifactService } from '../artifacts/artifact-service.ts'
import type { KeptExpoExport } from '../content/files/expo-export.ts'
import { readCertificate, readChain, type AnswerCertificate } from './certificate.ts'
import { readAnswer, requireSame, type AnsweredContent, type ToldAnswer } from './read-answer.ts'
import {
  findAnswer,
  findCertificate,
  findExport,
  insertAnswers,
  listAnswers,
  type ListedAnswer,
  putCertificate,
  type SignedAnswerRow,
} from './signed-answer-store.ts'

/** Newest first; older ones are served all the same. */
const MAX_LISTED = 200
/** By how much a publisher's clock may be ahead: all that is signed later has to be later still. */
const MAX_AHEAD_MS = DAY_MS

export type SignedAnswerService = ReturnType<typeof createSignedAnswerService>

/** Answers that publishers sign in advance, for clients that take no others (Expo §11). */
export function createSignedAnswerService({
  db,
  changes,
  artifacts,
  raisePlatform,
  audit,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  artifacts: Pick<ArtifactService, 'readText'>
  /** Catalogs have something new of them. */
  raisePlatform: (tx: Connection, change: Change, place: { appId: string; platform: Platform }) => Promise<void>
  audit: AuditService
  clock: Clock
  newId: () => string
}) {
  /**
   * All or none. The same again changes nothing.
   * @throws problem invalid-request, artifact-not-found or signature-invalid
   */
  async function add(app: AppRow, input: NewSignedAnswers, author: Author): Promise<StoredSignedAnswers> {
    const { keyId, platform } = input
    const contents = new Map<string, AnsweredContent>()
    const certificate = readCertificate(input.certificate, clock.now())
    await requireSameKey(app, keyId, certificate)
    const chain = input.chain === undefined ? '' : readChain(input.chain, certificate, clock.now())
    const rows: SignedAnswerRow[] = []
    for (const [index, { body, signature }] of input.answers.entries()) {
      if (!certificate.hasSigned(body, signature)) {
        throw problem(
          'signature-invalid',
          `answers/${index}: the key of the certificate has not signed exactly this body.`,
        )
      }
      const told = readAnswer(body, index)
      if (told.at > clock.now() + MAX_AHEAD_MS) {
        const found = `${timestamp(told.at)}, and here it is ${timestamp(clock.now())}`
        throw problem('invalid-request', `answers/${index}/body: expected a time of about now, found ${found}.`)
      }
      const content = told.says === 'update' ? await requireContent(app, input, told, { body, index, contents }) : null
      rows.push({
        id: newId(),
        app_id: app.id,
        platform,
        key_id: keyId,
        says: told.says,
        sha256: content,
        runtime_version: told.says === 'update' ? told.manifest.runtimeVersion : null,
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
      await raisePlatform(tx, change, { appId: app.id, platform })
      await audit.record(tx, author, {
        action: 'answers.signed',
        subject: ['app', app.id],
        appId: app.id,
        after: { platform, keyId, answers: rows.map(summaryOf) },
      })
    })
    return { items: rows.map(summaryOf) }
  }

  /**
   * Clients tell keys apart by these ids alone.
   * @throws problem invalid-request
   */
  async function requireSameKey({ id, slug }: AppRow, keyId: string, { isOfKey }: AnswerCertificate): Promise<void> {
    const known = await findCertificate(db, id, keyId)
    if (known === undefined || isOfKey(known)) return
    const advice = 'Give the new key an id of its own: keyid in codeSigningMetadata.'
    throw problem('invalid-request', `keyId: "${keyId}" is the id of another key of ${slug}. ${advice}`)
  }

  /**
   * @returns the digest of its `files.json`
   * @throws problem artifact-not-found, or invalid-request when it says something else than the export
   */
  async function requireContent(
    app: AppRow,
    { platform }: NewSignedAnswers,
    told: Extract<ToldAnswer, { says: 'update' }>,
    { body, index, contents }: { body: string; index: number; contents: Map<string, AnsweredContent> },
  ): Promise<string> {
    const { digestStart } = told
    const content = contents.get(digestStart) ?? (await findContent(app.id, digestStart))
    if (content?.exported.platform !== platform) {
      const detail = `answers/${index}/body: the app has no export of Expo's for ${platform} whose files.json begins with ${digestStart}.`
      throw problem('artifact-not-found', detail)
    }
    contents.set(digestStart, content)
    requireSame(told, body, content, { appNames: [app.slug, app.id], index })
    return content.sha256
  }

  async function findContent(appId: string, digestStart: string): Promise<AnsweredContent | undefined> {
    const found = await findExport(db, appId, digestStart)
    if (!found) return undefined
    const list = await artifacts.readText(found.sha256, MAX_FILES_MANIFEST_BYTES)
    if (list === undefined) return undefined
    const exported = JSON.parse(found.exported) as KeptExpoExport
    return { sha256: found.sha256, exported, files: readFilesManifest(list).files }
  }

  async function list(app: AppRow, filter: SignedAnswerFilter): Promise<StoredSignedAnswers> {
    return { items: (await listAnswers(db, app.id, filter, MAX_LISTED)).map(summaryOf) }
  }

  /** @throws problem not-found */
  async function get(app: AppRow, id: string): Promise<SignedAnswer> {
    const row = await findAnswer(db, app.id, id)
    if (row) return { ...summaryOf(row), body: row.body, signature: row.signature }
    throw problem('not-found', `${app.slug} has no signed answer ${id}.`)
  }

  return { add, list, get }
}

function summaryOf({
  id,
  platform,
  key_id,
  says,
  sha256,
  runtime_version,
  answered_at,
}: ListedAnswer): SignedAnswerSummary {
  const answeredAt = timestamp(answered_at)
  return { id, platform, keyId: key_id, says, sha256, runtimeVersion: runtime_version, answeredAt }
}
