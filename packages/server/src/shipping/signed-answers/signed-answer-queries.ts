import { X509Certificate } from 'node:crypto'
import type { Platform, SignedAnswer } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'
import { findCertificate } from './signed-answer-store.ts'

/** With all that is needed to say the same bytes again. */
export interface OfferedAnswer extends SignedAnswer {
  signature: string
  /** PEM, to be sent along; empty: none. */
  chain: string
  /** Of an update: in front of the digest of each file. */
  assetsUrl: string
}

interface AnswerRow {
  release_id: string | null
  key_id: string
  runtime_version: string | null
  answered_at: number
  signature: string
  chain: string
  head: string
}

/** How many of one release are known: newer ones first. */
const MAX_OF_ONE = 50
/** The bundle stands before the assets, of which there may be thousands. */
const HEAD_LENGTH = 2_000
const LAUNCH_URL = /"launchAsset":\{[^{}]*"url":"([^"]*)\/[0-9a-f]{64}"/

/** Of the releases that were ever placed there, by their ids, and of embedded, under null. */
export async function listPlacedAnswers(
  db: Connection,
  place: PlaceOfReleases,
): Promise<ReadonlyMap<string | null, readonly OfferedAnswer[]>> {
  const ofUpdates: AnswerRow[] = await selectAnswers(db, place)
    .innerJoin('release_file', 'release_file.sha256', 'signed_answer.sha256')
    .select('release_file.release_id')
    .where('says', '=', 'update')
    .where('release_file.role', '=', 'manifest')
    .where('release_file.release_id', 'in', placedReleases(db, place))
    .execute()
  const waysBack = await selectAnswers(db, place).where('says', '=', 'roll-back').execute()
  const rows = [...ofUpdates, ...waysBack.map((row): AnswerRow => ({ ...row, release_id: null }))]
  return new Map(
    [...Map.groupBy(rows, ({ release_id }) => release_id)].map(([releaseId, found]) => [
      releaseId,
      found.slice(0, MAX_OF_ONE).map(offeredOf),
    ]),
  )
}

/** When clients stop taking what the key has signed, as far as it has signed anything here. */
export async function findCertificateEnd(db: Connection, appId: string, keyId: string): Promise<number | undefined> {
  const pem = await findCertificate(db, appId, keyId)
  return pem === undefined ? undefined : Date.parse(new X509Certificate(pem).validTo)
}

function selectAnswers(db: Connection, { appId, platform }: PlaceOfReleases) {
  const platforms: Platform[] = platform === 'any' ? ['android', 'ios', 'any'] : [platform]
  return db
    .selectFrom('signed_answer')
    .innerJoin('answer_certificate', (join) =>
      join
        .onRef('answer_certificate.app_id', '=', 'signed_answer.app_id')
        .onRef('answer_certificate.key_id', '=', 'signed_answer.key_id'),
    )
    .select(['signed_answer.key_id', 'runtime_version', 'answered_at', 'signed_answer.signature', 'chain'])
    .select(({ fn, val }) => fn<string>('substr', ['signed_answer.body', val(1), val(HEAD_LENGTH)]).as('head'))
    .where('signed_answer.app_id', '=', appId)
    .where('signed_answer.platform', 'in', platforms)
    .orderBy('answered_at', 'desc')
}

function offeredOf({ release_id, key_id, runtime_version, answered_at, head, signature, chain }: AnswerRow) {
  return {
    keyId: key_id,
    at: answered_at,
    ...(runtime_version !== null && { runtimeVersion: runtime_version }),
    signature,
    chain,
    assetsUrl: release_id === null ? '' : (LAUNCH_URL.exec(head)?.[1] ?? ''),
  }
}
