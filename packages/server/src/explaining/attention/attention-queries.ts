import type { Connection, Schema } from '../../ground/database/schema.ts'
import { MAX_OF_ONE_SOURCE, type AttentionQuestion } from './attention-item.ts'

type AppIds = readonly string[] | null
type Whose = Pick<AttentionQuestion, 'appIds' | 'ofAll'>

/** Rollouts of apps that are there. */
function rolloutsOf(db: Connection, appIds: AppIds) {
  return db
    .selectFrom('rollout')
    .innerJoin('app', 'app.id', 'rollout.app_id')
    .leftJoin('release', 'release.id', 'rollout.release_id')
    .select([
      'rollout.id',
      'rollout.app_id',
      'app.slug',
      'release.version',
      'rollout.platform',
      'rollout.channel',
      'rollout.state',
    ])
    .where('app.deleted_at', 'is', null)
    .$if(appIds !== null, (rollouts) => rollouts.where('rollout.app_id', 'in', appIds ?? []))
}

export type TrippedRow = Awaited<ReturnType<typeof listTrippedGuards>>[number]

/** Of rollouts that go on, and of those that ended by it since then and are still the newest of their place. */
export function listTrippedGuards(db: Connection, appIds: AppIds, endedSince: number) {
  return rolloutsOf(db, appIds)
    .innerJoin('rollout_guard', 'rollout_guard.rollout_id', 'rollout.id')
    .select(['rollout_guard.tripped_at', 'rollout_guard.figures'])
    .where('rollout_guard.state', '=', 'tripped')
    .where((where) =>
      where.or([
        where('rollout.state', 'in', ['active', 'paused']),
        where.and([where('rollout.state', '=', 'halted'), where('rollout_guard.tripped_at', '>=', endedSince)]),
      ]),
    )
    .orderBy('rollout_guard.tripped_at', 'desc')
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}

/** Whether somebody has published after a guard rolled back: what was wrong is mended, or others have the word. */
export async function hasLaterRelease(
  db: Connection,
  { app_id, platform, channel }: Pick<TrippedRow, 'app_id' | 'platform' | 'channel'>,
  since: number,
): Promise<boolean> {
  const later = await db
    .selectFrom('rollout')
    .innerJoin('release', 'release.id', 'rollout.release_id')
    .select('rollout.id')
    .where('rollout.app_id', '=', app_id)
    .where('rollout.channel', '=', channel)
    .where('rollout.platform', 'in', [platform, 'any'])
    .where('release.created_at', '>', since)
    .limit(1)
    .executeTakeFirst()
  return later !== undefined
}

/** Changes of rollouts that wait for a second person, the oldest first. */
export function listOpenProposals(db: Connection, appIds: AppIds) {
  return rolloutsOf(db, appIds)
    .innerJoin('proposal', 'proposal.rollout_id', 'rollout.id')
    .select(['proposal.id as proposal_id', 'proposal.proposed_at', 'proposal.proposed_by'])
    .where('proposal.state', '=', 'open')
    .orderBy('proposal.proposed_at')
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}

/** Those that may go on, the longest in their step first. */
export function listPlansUnderWay(db: Connection, appIds: AppIds, stepBefore: number, limit: number) {
  return rolloutsOf(db, appIds)
    .innerJoin('rollout_plan', 'rollout_plan.rollout_id', 'rollout.id')
    .where('rollout_plan.state', '=', 'running')
    .where('rollout.state', '=', 'active')
    .where('rollout.awaits_start', '=', 0)
    .where('rollout_plan.step_started_at', '<', stepBefore)
    .orderBy('rollout_plan.step_started_at')
    .limit(limit)
    .execute()
}

/** How many patches of each app are in a state, since when, and the newest release that they lead to. */
export function countPatches(
  db: Connection,
  appIds: AppIds,
  { state, column, from, before }: PatchTimes,
): Promise<{ app_id: string; slug: string; patches: number; since: number; version: string }[]> {
  return db
    .selectFrom('patch')
    .innerJoin('app', 'app.id', 'patch.app_id')
    .innerJoin('release', 'release.id', 'patch.release_id')
    .select(({ fn }) => [
      'patch.app_id',
      'app.slug',
      fn.countAll<number>().as('patches'),
      fn.min<number>(`patch.${column}`).as('since'),
      fn.max<string>('release.version').as('version'),
    ])
    .where('app.deleted_at', 'is', null)
    .where('patch.state', '=', state)
    .where(`patch.${column}`, '>=', from)
    .where(`patch.${column}`, '<', before)
    .$if(appIds !== null, (patches) => patches.where('patch.app_id', 'in', appIds ?? []))
    .groupBy(['patch.app_id', 'app.slug'])
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}

export interface PatchTimes {
  state: Schema['patch']['state']
  column: 'created_at' | 'finished_at'
  from: number
  before: number
}

/** Those whose end comes, or came, between two moments, the next first. */
export function listEndingTokens(db: Connection, whose: Whose, { from, to }: { from: number; to: number }) {
  return (
    db
      .selectFrom('api_token')
      .leftJoin('app', 'app.id', 'api_token.app_id')
      .select([
        'api_token.id',
        'api_token.name',
        'api_token.app_id',
        'app.slug',
        'api_token.created_at',
        'api_token.expires_at',
        'api_token.last_used_at',
      ])
      .where('api_token.revoked_at', 'is', null)
      // Those of CI jobs end by the minute, and are meant to.
      .where('api_token.trust_rule_id', 'is', null)
      .where('api_token.expires_at', '>=', from)
      .where('api_token.expires_at', '<', to)
      .$if(whose.appIds !== null, (tokens) =>
        tokens.where(({ eb, or }) =>
          or([
            eb('api_token.app_id', 'in', whose.appIds ?? []),
            ...(whose.ofAll ? [eb('api_token.app_id', 'is', null)] : []),
          ]),
        ),
      )
      .orderBy('api_token.expires_at')
      .limit(MAX_OF_ONE_SOURCE)
      .execute()
  )
}

/** Apps that take signed releases only, with how many keys can sign for them. */
export function listSigningApps(db: Connection, appIds: AppIds) {
  return db
    .selectFrom('app')
    .leftJoin('signing_key', (join) =>
      join
        .onRef('signing_key.app_id', '=', 'app.id')
        .on('signing_key.algorithm', '=', 'ed25519')
        .on('signing_key.revoked_at', 'is', null),
    )
    .select(({ fn }) => [
      'app.id as app_id',
      'app.slug',
      'app.created_at',
      fn.count<number>('signing_key.id').as('keys'),
      fn.min<string>('signing_key.name').as('name'),
      fn.max<number>('signing_key.created_at').as('newest_at'),
    ])
    .where('app.signing', '=', 'required')
    .where('app.deleted_at', 'is', null)
    .$if(appIds !== null, (apps) => apps.where('app.id', 'in', appIds ?? []))
    .groupBy(['app.id', 'app.slug', 'app.created_at'])
    .having(({ fn }) => fn.count('signing_key.id'), '<', 2)
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}

export function listCertificates(db: Connection, appIds: AppIds) {
  return db
    .selectFrom('answer_certificate')
    .innerJoin('app', 'app.id', 'answer_certificate.app_id')
    .select(['answer_certificate.app_id', 'app.slug', 'answer_certificate.key_id', 'answer_certificate.certificate'])
    .where('app.deleted_at', 'is', null)
    .$if(appIds !== null, (certificates) => certificates.where('answer_certificate.app_id', 'in', appIds ?? []))
    .orderBy('answer_certificate.created_at', 'desc')
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}

/** Which feeds were ever signed. */
export function listSignedFeeds(db: Connection, appIds: AppIds, limit: number) {
  return db
    .selectFrom('signed_appcast')
    .innerJoin('app', 'app.id', 'signed_appcast.app_id')
    .select(['signed_appcast.app_id', 'app.slug', 'signed_appcast.channel', 'signed_appcast.platform'])
    .where('app.deleted_at', 'is', null)
    .$if(appIds !== null, (feeds) => feeds.where('signed_appcast.app_id', 'in', appIds ?? []))
    .groupBy(['signed_appcast.app_id', 'app.slug', 'signed_appcast.channel', 'signed_appcast.platform'])
    .limit(limit)
    .execute()
}

/** Those that the server turned off, and those that do not take what they are told. */
export function listFailingWebhooks(db: Connection, { appIds, ofAll }: Whose) {
  return db
    .selectFrom('webhook')
    .leftJoin('app', 'app.id', 'webhook.app_id')
    .select([
      'webhook.id',
      'webhook.app_id',
      'app.slug',
      'webhook.url',
      'webhook.is_enabled',
      'webhook.disabled_reason',
      'webhook.failing_since',
      'webhook.updated_at',
    ])
    .where((where) =>
      where.or([
        where.and([where('webhook.is_enabled', '=', 0), where('webhook.disabled_reason', 'is not', null)]),
        where.and([where('webhook.is_enabled', '=', 1), where('webhook.failing_since', 'is not', null)]),
      ]),
    )
    .$if(appIds !== null, (webhooks) =>
      webhooks.where(({ eb, or }) =>
        or([eb('webhook.app_id', 'in', appIds ?? []), ...(ofAll ? [eb('webhook.app_id', 'is', null)] : [])]),
      ),
    )
    .orderBy('webhook.updated_at', 'desc')
    .limit(MAX_OF_ONE_SOURCE)
    .execute()
}
