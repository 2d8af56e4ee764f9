import type { NewRollback, NewRollout } from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import { requirePlatform, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { readTimestamp, type Clock } from '../../ground/clock.ts'
import type { Change } from '../../ground/database/changes.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { readPlan } from '../plan-rules/read-plan.ts'
import { statedContent, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { StatementService } from '../../shipping/signing/statement-service.ts'
import { audienceColumns, type NewAudience } from './audience.ts'
import type { Placement, RolloutCompanion, RolloutGate } from './placement.ts'
import { findNewestLabel } from './label-queries.ts'
import type { RolloutRecords } from './rollout-records.ts'
import { findPlacedRelease, getRollout, insertRollout, type RolloutRow } from './rollout-store.ts'

/**
 * New rollouts, within the caller's transaction. Whoever reads a statement on the way locks the app first, as publishing does: two at once would wait for each other's sequence and position.
 */
export function createPlacing({
  apps,
  channels,
  releases,
  statements,
  companions,
  gate,
  records,
  clock,
  newId,
}: {
  apps: AppService
  channels: ChannelService
  releases: ReleaseService
  statements: StatementService
  companions: readonly RolloutCompanion[]
  gate: RolloutGate
  records: RolloutRecords
  clock: Clock
  newId: () => string
}) {
  /**
   * Puts a rollout on top of its channel, within the caller's transaction. Where it takes a second person, it is there and
   * reaches nobody.
   */
  async function place(
    tx: Connection,
    change: Change,
    app: AppRow,
    placement: Placement,
    author: Author,
    action: 'rollout.started' | 'rollout.rolled-back',
  ): Promise<RolloutRow> {
    const { platform, channel, release, restated } = placement
    const { waits } = await gate.admit(tx, author, { app_id: app.id, channel }, 'widens')
    // Resuming it will ask.
    const awaitsApproval = waits && !placement.paused
    const id = newId()
    const now = clock.now()
    const startsAt = placement.startsAt === undefined ? null : readTimestamp(placement.startsAt, 'startsAt')
    const awaitsStart = startsAt !== null && startsAt > now
    const position = await channels.takePosition(tx, app.id, channel)
    if (placement.labelNumber !== undefined) await requireNextLabel(tx, app, placement, placement.labelNumber)
    const row = {
      id,
      app_id: app.id,
      platform,
      channel,
      position,
      release_id: release?.id ?? null,
      state: placement.paused || awaitsApproval ? ('paused' as const) : ('active' as const),
      awaits_approval: awaitsApproval ? 1 : 0,
      starts_at: startsAt,
      awaits_start: awaitsStart ? 1 : 0,
      mandatory: placement.mandatory ? 1 : 0,
      mandatory_below: placement.mandatoryBelow ?? null,
      percentage: firstPercentage(placement),
      ...audienceColumns(placement),
      ...(await bucketRule(tx, app, id, placement)),
      statement_id: restated?.id ?? null,
      created_at: now,
      created_by: nameOf(author),
      updated_at: now,
      ended_at: null,
      label_number: placement.labelNumber ?? null,
      revision: 1,
    }
    await insertRollout(tx, row)
    const { version = null, requirement = null } = release ?? {}
    const sequence = restated?.sequence ?? null
    const guard = { guard_state: null, guard_settings: null }
    const plan = { plan_state: null, plan_step: null, plan_steps: null }
    const inserted = { ...row, version, requirement, sequence, ...guard, ...plan }
    for (const companion of companions) await companion.placed?.(tx, inserted, placement)
    const placed = await getRollout(tx, id)
    const told = placement.paused ? 'rollout.paused' : awaitsStart ? 'rollout.scheduled' : action
    await records.record(tx, change, author, awaitsApproval ? 'rollout.proposed' : told, undefined, placed)
    if (awaitsApproval) await gate.propose(tx, change, author, placed, { kind: 'start' })
    await records.raise(tx, change, app, placed)
    return placed
  }

  /** Numbers rise, whoever has counted. */
  async function requireNextLabel(
    tx: Connection,
    app: AppRow,
    { platform, channel }: Placement,
    labelNumber: number,
  ): Promise<void> {
    const newest = await findNewestLabel(tx, { appId: app.id, platform, channel })
    if (labelNumber > newest) return
    const what = `the number of the newest rollout on "${channel}" for ${platform}`
    throw problem('invalid-request', `labelNumber: expected more than ${newest}, ${what}, found ${labelNumber}.`)
  }

  /** To the original rule of whichever client it is: hot-updater's draws anew for each build, CodePush's for each label. */
  async function bucketRule(
    tx: Connection,
    app: AppRow,
    rolloutId: string,
    placement: Placement,
  ): Promise<BucketColumns> {
    const { salt, buckets, drawing = null, release, platform, channel, labelNumber } = placement
    if (app.bucketing !== 'original') {
      return { salt: salt ?? (app.bucketing === 'per-rollout' ? rolloutId : ''), buckets: buckets ?? 10_000, drawing }
    }
    const { build_id: buildId = null } = release ?? {}
    if (buildId !== null) return { salt: salt ?? buildId, buckets: buckets ?? 1_000, drawing }
    // What has a label from elsewhere is of a deployment, whose key may come when all of them are there.
    const isLabelled = labelNumber !== undefined || (await channels.hasKeyFor(tx, app.id, channel, platform))
    const isDeployment = salt === undefined && isLabelled
    if (!isDeployment) return { salt: salt ?? '', buckets: buckets ?? 100, drawing }
    const next = (await findNewestLabel(tx, { appId: app.id, platform, channel })) + 1
    return { salt: `v${labelNumber ?? next}`, buckets: 100, drawing: 'code-push' }
  }

  /** Places a release that exists on another channel, or on the same one anew. */
  async function createIn(
    tx: Connection,
    change: Change,
    { id }: AppRow,
    input: NewRollout & NewAudience,
    author: Author,
  ) {
    const plan = readPlan(input)
    const app = await apps.lock(tx, id)
    const release = await releases.get(input.releaseId, tx)
    if (release.app_id !== app.id || release.archived_at !== null) {
      throw problem('release-not-found', `The app has no release with the id ${input.releaseId} to place.`)
    }
    const { platform } = release
    const { channel } = input
    const content = await statedContent(tx, app.id, { platform, channel }, release)
    const restated = await statements.takeRestated(tx, app, content, input)
    if (!restated) expectStatedFor(channel, release)
    return place(tx, change, app, { ...input, plan, release, platform, restated }, author, 'rollout.started')
  }

  /** A new rollout, on top, of an older release of the channel or of what the binary shipped with. */
  async function rollBackIn(tx: Connection, change: Change, { id }: AppRow, input: NewRollback, author: Author) {
    const plan = readPlan(input)
    const app = await apps.lock(tx, id)
    requirePlatform(app, input.platform)
    if (input.to === 'embedded' && (input.prepared || input.guard)) {
      throw problem(
        'invalid-request',
        'What goes back to what the app binary shipped with has no guard: expected neither guard nor prepared.',
      )
    }
    const release = input.to === 'embedded' ? null : await getPlaced(tx, app, input, input.to)
    const content = await statedContent(tx, app.id, input, release)
    const restated = await statements.takeRestated(tx, app, content, input)
    if (!restated && release) expectStatedFor(input.channel, release)
    const placement = { ...input, plan, release, restated, isRollback: true }
    return place(tx, change, app, placement, author, 'rollout.rolled-back')
  }

  async function getPlaced(
    tx: Connection,
    app: AppRow,
    { platform, channel }: { platform: Platform; channel: string },
    wanted: { version: string } | { releaseId: string },
  ): Promise<ReleaseRow> {
    const releaseId = await findPlacedRelease(tx, { appId: app.id, platform, channel }, wanted)
    if (releaseId !== undefined) return releases.get(releaseId, tx)
    const name = 'version' in wanted ? `Version ${wanted.version}` : `The release ${wanted.releaseId}`
    throw problem(
      'rollback-target-invalid',
      `${name} for ${platform} was never on the channel "${channel}", or is archived.`,
    )
  }

  return { place, createIn, rollBackIn }
}

/** Kits §6.8: machines take a kit from the channel alone that its statement says. Its own says the one that it was published on. */
function expectStatedFor(channel: string, { kind, version, channel: statedChannel }: ReleaseRow): void {
  if (kind !== 'kit' || channel === statedChannel) return
  throw problem(
    'statement-invalid',
    `channel: expected ${JSON.stringify(channel)}, found ${JSON.stringify(statedChannel)}, and no installation of ${channel} would take it. State ${version} again for it, signed: \`hotpatch promote\` does.`,
    { field: 'channel' },
  )
}

function firstPercentage({ plan, percentage }: Placement): number {
  return plan?.steps[0]?.percentage ?? percentage ?? 100
}

/** By which rule a share of the devices is drawn. */
type BucketColumns = Pick<RolloutRow, 'salt' | 'buckets' | 'drawing'>
