import {
  DEFAULT_CHANNEL,
  type NewRelease,
  type PublishedRelease,
  type Release,
  type ReleaseContent,
} from '@hotpatch/api'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import { requirePlatform, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import {
  describeContent,
  statedOf,
  type ContentService,
  type ReceivedContent,
  type StoredContent,
} from '../../shipping/content/content-service.ts'
import { ARCHIVE_NAME, parseNativeVersion, problem } from '@hotpatch/protocol'
import type { StatedContent } from '../../shipping/content/content-kind.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Change, Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { readPlan } from '../plan-rules/read-plan.ts'
import { readRequirement, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { SequenceService } from '../../shipping/sequences/sequence-service.ts'
import type { ReleaseSigning } from '../../shipping/signing/release-signing.ts'
import type { CheckedStatement } from '../../shipping/signing/statement-check.ts'
import type { SignedStatement, StatementRow, StatementService } from '../../shipping/signing/statement-service.ts'
import { requireRules } from '../rollouts/audience.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import { createExistingReleases } from './existing-release.ts'
import { digestOfRequest, findAnswer, rememberAnswer } from './same-request.ts'
import type { UploadSignatures } from './upload-signatures.ts'

/** `isRepeated`: the same request came before, and this is its answer. */
export interface Publication {
  published: PublishedRelease
  isRepeated: boolean
}

export type Publishing = ReturnType<typeof createPublishing>

/** Publish = release + rollout. Archive = take every rollout of a release back. */
export function createPublishing({
  db,
  changes,
  apps,
  channels,
  contents,
  sequences,
  statements,
  signing,
  releases,
  rollouts,
  audit,
  announcements,
  onPublished,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  apps: AppService
  channels: ChannelService
  contents: ContentService
  sequences: SequenceService
  statements: StatementService
  signing: ReleaseSigning
  releases: ReleaseService
  rollouts: RolloutService
  audit: AuditService
  announcements: AnnouncementService
  /** Something new may be there to be made smaller. */
  onPublished: () => void
  clock: Clock
  newId: () => string
}) {
  const existingReleases = createExistingReleases({ releases, rollouts })

  /**
   * A version that is there is placed as it is, if that is what came.
   * The order makes a crash harmless: check everything, make the bytes durable, then one transaction.
   * @param received the caller's to discard, whatever happens; undefined: the bytes that `input.content` names came before
   */
  async function publish(
    app: AppRow,
    input: NewRelease,
    received: ReceivedContent | undefined,
    signatures: UploadSignatures,
    author: Author,
    publicUrl: string,
  ): Promise<Publication> {
    const { platform, version, channel = DEFAULT_CHANNEL } = input
    requirePlatform(app, platform)
    const requirement = readRequirement(input)
    const plan = readPlan(input)
    if (input.rules) requireRules(input.rules)
    const content = await contents.resolve(app.id, input, received)
    const requestDigest = digestOfRequest(input, content, signatures)
    const name = { platform, version }
    const early = await releases.findByVersion(app, name)
    const earlier = await findAnswer(db, early, channel, requestDigest, publicUrl)
    if (earlier) return { isRepeated: true, published: earlier }
    const stated = statedOf(content)
    const substance = { stated, requirement, notes: input.notes, isSigned: undefined }
    if (early) await existingReleases.requirePlaceable(db, early, { platform, channel }, substance)
    await channels.require(app.id, channel)
    const release = { version, requirement, ...stated }
    const versionCode = readVersionCode(input, content)
    const bundleSha256 = stated.artifacts.find(({ name }) => name === ARCHIVE_NAME)?.sha256
    const checked = await signing.check(app, { appId: app.id, platform, channel, release }, bundleSha256, signatures)
    if (checked?.statement && !isStatementOf(early, checked.statement)) {
      await sequences.requireFree(app, platform, checked.statement.statement.sequence)
    }

    if (received) await contents.keep(received)
    const publication = await changes.run(async (tx, change) => {
      // One publish of an app after the other: each finds the keys and the sequence that the one before left.
      const locked = await apps.lock(tx, app.id)
      const existing = await releases.findByVersion(app, name, tx)
      const meanwhile = await findAnswer(tx, existing, channel, requestDigest, publicUrl)
      if (meanwhile) return { isRepeated: true, published: meanwhile }
      const isSigned = checked !== null
      if (existing)
        await existingReleases.requirePlaceable(tx, existing, { platform, channel }, { ...substance, isSigned })
      const keyId = await signing.settleKey(tx, locked, checked, author)
      await contents.own(tx, app.id, content.uploads, received)
      const row = existing ?? (await addNew(tx, change, locked, keyId))
      const restated = existing && (await restate(tx, locked, existing))
      const placement = { ...input, plan, platform, channel, release: row, restated, prepared: preparedOf(signatures) }
      const placed = await rollouts.place(tx, change, locked, placement, author, 'rollout.started')
      const said = { isExisting: existing !== undefined, keyRegistered: checked?.isFirstKey ?? false }
      const published = answerOf(row, content, placed, said, publicUrl)
      await rememberAnswer(tx, requestDigest, published)
      return { isRepeated: false, published }
    })
    onPublished()
    return publication

    async function addNew(tx: Connection, change: Change, locked: AppRow, keyId: string | null): Promise<ReleaseRow> {
      const accepted = await contents.requireUnopposed(tx, app.id, input, content)
      if (content.buildId !== undefined) await releases.requireNewBuild(tx, app, platform, content.buildId)
      const sequence =
        checked?.statement?.statement.sequence ?? (await sequences.getNext(locked, platform, tx)).nextSequence
      const stored = {
        id: newId(),
        app_id: app.id,
        platform,
        version,
        channel,
        sequence,
        kind: content.kind,
        version_code: versionCode,
        build_id: content.buildId ?? null,
        launch_sha256: content.launchSha256 ?? null,
        requirement: JSON.stringify(requirement),
        notes: input.notes ?? content.notes ?? '',
        created_at: clock.now(),
        created_by: nameOf(author),
        archived_at: null,
        bytes_removed_at: null,
      }
      const row = await releases.add(tx, locked, stored, checked && keyId !== null ? { ...checked, keyId } : null)
      await contents.addTo(tx, row.id, content)
      await audit.record(tx, author, {
        action: 'release.published',
        subject: ['release', row.id],
        appId: app.id,
        after: {
          version,
          platform,
          channel,
          sequence,
          sha256: digestsOf(stated),
          keyId,
          ...(accepted.length > 0 && { accepted }),
        },
      })
      await announcements.record(tx, change, {
        type: 'release.published',
        appId: app.id,
        data: { release: announced(row, describeContent(content, publicUrl)), by: nameOf(author) },
      })
      return row
    }

    /** As a promotion does: devices that took something newer since take it again under the new sequence. */
    async function restate(tx: Connection, locked: AppRow, existing: ReleaseRow): Promise<StatementRow | undefined> {
      if (!checked?.statement || isStatementOf(existing, checked.statement)) return undefined
      return statements.takeChecked(tx, locked, checked.statement)
    }
  }

  /** Archiving what is archived changes nothing. */
  async function archive(app: AppRow, releaseId: string, author: Author, publicUrl: string): Promise<Release> {
    const row = await changes.run(async (tx, change) => {
      const archivedAt = clock.now()
      const isFirst = await releases.markArchived(tx, releaseId, archivedAt)
      const row = await releases.get(releaseId, tx)
      if (!isFirst) return row
      await audit.record(tx, author, {
        action: 'release.archived',
        subject: ['release', releaseId],
        appId: app.id,
        before: { archivedAt: null },
        after: { archivedAt: timestamp(archivedAt) },
      })
      await rollouts.withdrawAllOf(tx, change, releaseId, author)
      return row
    })
    return releases.render(row, publicUrl)
  }

  return { publish, archive }
}

/** What orders a whole binary: as it was told, or as its version or its files say. */
function readVersionCode(
  { version, versionCode }: NewRelease,
  { kind, versionCode: found }: StoredContent,
): number | null {
  const build = kind === 'binary' ? parseNativeVersion(version)?.build : undefined
  if (versionCode !== undefined && build !== undefined && versionCode !== build) {
    const detail = `versionCode: expected ${build}, the build of the version ${version}, found ${versionCode}.`
    throw problem('invalid-request', detail)
  }
  return versionCode ?? build ?? found ?? null
}

function digestsOf({ artifacts }: StatedContent): string {
  return artifacts.map(({ sha256 }) => sha256).join(', ')
}

/** Sent again, it says nothing new, and takes no sequence. */
function isStatementOf(existing: ReleaseRow | undefined, { text }: CheckedStatement): boolean {
  return existing?.statement === text
}

/** The steps back that came along, nearest first. */
function preparedOf(signatures: UploadSignatures): SignedStatement[] {
  const steps = [
    { statement: signatures.rollbackStatement, statementSignature: signatures.rollbackStatementSignature },
    {
      statement: signatures.earlierRollbackStatement,
      statementSignature: signatures.earlierRollbackStatementSignature,
    },
  ]
  const last = steps.findLastIndex((step) => step.statement !== undefined || step.statementSignature !== undefined)
  return steps.slice(0, last + 1)
}

function announced({ id, version, platform, channel, sequence, notes }: ReleaseRow, content: ReleaseContent) {
  return { id, version, platform, channel, sequence, content, notes }
}

function answerOf(
  release: ReleaseRow,
  content: StoredContent,
  rollout: RolloutRow,
  { isExisting, keyRegistered }: { isExisting: boolean; keyRegistered: boolean },
  publicUrl: string,
): PublishedRelease {
  const { id: releaseId, version, platform } = release
  return {
    releaseId,
    rolloutId: rollout.id,
    version,
    platform,
    channel: rollout.channel,
    sequence: rollout.sequence ?? release.sequence,
    percentage: rollout.percentage,
    mandatory: rollout.mandatory === 1,
    ...(rollout.state === 'paused' && { paused: true }),
    content: describeContent(content, publicUrl),
    keyRegistered,
    existing: isExisting,
  }
}
