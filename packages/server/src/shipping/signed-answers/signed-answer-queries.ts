import type { Platform, SignedAnswer } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import { placedReleases, type PlaceOfReleases } from '../content/placed-release-queries.ts'

/** With all that is needed to say the same bytes again. */
export interface OfferedAnswer extends SignedAnswer {
  signature: string
  /** PEM, to be sent along; empty: none. */
  chain: string
  /** Of an update: in front of the digest of each file. */
  assetsUrl: string
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
  const platforms: Platform[] = place.platform === 'any' ? ['android', 'ios', 'any'] : [place.platform]
  const rows = await db
    .selectFrom('signed_answer')
    .innerJoin('answer_certificate', (join) =>
      join
        .onRef('answer_certificate.app_id', '=', 'signed_answer.app_id')
        .onRef('answer_certificate.key_id', '=', 'signed_answer.key_id'),
    )
    .select(['signed_answer.key_id', 'release_id', 'answered_at', 'signature', 'chain'])
    .select(({ fn, val }) => fn<string>('substr', ['body', val(1), val(HEAD_LENGTH)]).as('head'))
    .where('signed_answer.app_id', '=', place.appId)
    .where('platform', 'in', platforms)
    .where(({ eb, or, and }) =>
      or([
        and([eb('says', '=', 'roll-back'), eb('release_id', 'is', null)]),
        and([eb('says', '=', 'update'), eb('release_id', 'in', placedReleases(db, place))]),
      ]),
    )
    .orderBy('answered_at', 'desc')
    .execute()
  const answers = Map.groupBy(rows, ({ release_id }) => release_id)
  return new Map(
    [...answers].map(([releaseId, found]) => [
      releaseId,
      found.slice(0, MAX_OF_ONE).map(({ key_id, answered_at, head, signature, chain }) => ({
        keyId: key_id,
        at: answered_at,
        signature,
        chain,
        assetsUrl: releaseId === null ? '' : (LAUNCH_URL.exec(head)?.[1] ?? ''),
      })),
    ]),
  )
}
