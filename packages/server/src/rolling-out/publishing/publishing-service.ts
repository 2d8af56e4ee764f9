import { DEFAULT_CHANNEL, type NewRelease, type PublishedRelease, type Release } from '@hotpatch/api'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import { requirePlatform, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import {
  describeContent,
  statedOf,
  type ContentService,
  type ReceivedContent,
  type StoredContent,
} from '../../shipping/content/content-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Database } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import { readPlan } from '../plan-rules/read-plan.ts'
import { readRequirement, type ReleaseRow, type ReleaseService } from '../../shipping/releases/release-service.ts'
import type { SequenceService } from '../../shipping/sequences/sequence-service.ts'
import type { ReleaseSigning } from '../../shipping/signing/release-signing.ts'
import type { SignedStatement } from '../../shipping/signing/statement-service.ts'
import { requireRules } from '../rollouts/audience.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
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
  signing,
  releases,
  rollouts,
  audit,
  announcements,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  apps: AppService
  channels: ChannelService
  contents: ContentService
  sequences: SequenceService
  signing: ReleaseSigning
  releases: ReleaseService
  rollouts: RolloutService
  audit: AuditService
  announcements: AnnouncementService
  clock: Clock
  newId: () => string
}) {
  /**
   * The order makes a crash harmless: check everything, make the bytes durable, then one transaction.
   * @param received the caller's to discard, whatever happens; undefined: the bytes of `input.sha256` came before
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
    const content = await contents.resolve(input, received)
    const requestDigest = digestOfRequest(input, content, signatures)
    const place = { platform, version, channel }
    const earlier = await findAnswer(db, await releases.findByVersion(app, place), requestDigest, publicUrl)
    if (earlier) return { isRepeated: true, published: earlier }
    await releases.requireNew(app, place)
    await channels.require(app.id, channel)
    const release = { version, requirement, ...statedOf(content) }
    const checked = await signing.check(app, { appId: app.id, platform, release }, content.sha256, signatures)
    if (checked?.statement) await sequences.requireFree(app, platform, checked.statement.statement.sequence)

    if (received) await contents.keep(received)
    return changes.run(async (tx, change) => {
      // One publish of an app after the other: each finds the keys and the sequence that the one before left.
      const locked = await apps.lock(tx, app.id)
      const meanwhile = await findAnswer(tx, await releases.findByVersion(app, place, tx), requestDigest, publicUrl)
      if (meanwhile) return { isRepeated: true, published: meanwhile }
      const keyId = await signing.settleKey(tx, locked, checked, author)
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
        requirement: JSON.stringify(requirement),
        notes: input.notes ?? '',
        created_at: clock.now(),
        created_by: nameOf(author),
        archived_at: null,
      }
      await contents.own(tx, content, received)
      const row = await releases.add(tx, locked, stored, checked && keyId !== null ? { ...checked, keyId } : null)
      await contents.addTo(tx, row.id, content)
      await audit.record(tx, author, {
        action: 'release.published',
        subject: ['release', row.id],
        appId: app.id,
        after: { version, platform, channel, sequence, sha256: content.sha256, keyId },
      })
      await announcements.record(tx, change, {
        type: 'release.published',
        appId: app.id,
        data: { release: announced(row, content), by: nameOf(author) },
      })
      const prepared = preparedOf(signatures)
      const placement = { ...input, plan, platform, channel, release: row, prepared }
      const placed = await rollouts.place(tx, change, locked, placement, author, 'rollout.started')
      const published = answerOf(row, content, placed, checked?.isFirstKey ?? false, publicUrl)
      await rememberAnswer(tx, requestDigest, published)
      return { isRepeated: false, published }
    })
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

function announced({ id, version, platform, channel, sequence, notes }: ReleaseRow, content: StoredContent) {
  const { sha256, sizeBytes } = content
  return { id, version, platform, channel, sequence, sha256, sizeBytes, notes }
}

function answerOf(
  release: ReleaseRow,
  content: StoredContent,
  rollout: RolloutRow,
  keyRegistered: boolean,
  publicUrl: string,
): PublishedRelease {
  const { id: releaseId, version, platform, channel, sequence } = release
  return {
    releaseId,
    rolloutId: rollout.id,
    version,
    platform,
    channel,
    sequence,
    percentage: rollout.percentage,
    mandatory: rollout.mandatory === 1,
    ...describeContent(content),
    downloadUrl: artifactUrl(publicUrl, content.sha256),
    keyRegistered,
  }
}
