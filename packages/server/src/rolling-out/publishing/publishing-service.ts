import { DEFAULT_CHANNEL, type NewRelease, type PublishedRelease, type Release } from '@hotpatch/api'
import { problem, type Requirement, statedArchive } from '@hotpatch/protocol'
import type { AnnouncementService } from '../../telling/announcements/announcement-service.ts'
import type { AppRow, AppService } from '../../shipping/apps/app-service.ts'
import {
  artifactMissing,
  type ArtifactContent,
  type ArtifactService,
  type ReceivedArchive,
} from '../../shipping/artifacts/artifact-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { type Author, nameOf } from '../../people/authors/author.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import { readPlan } from '../plan-rules/read-plan.ts'
import {
  readRequirement,
  renderRelease,
  requirePlatform,
  type ReleaseRow,
  type ReleaseService,
} from '../../shipping/releases/release-service.ts'
import { checkDigestSignature, checkStatement, type CheckedStatement } from '../../shipping/releases/statement-check.ts'
import { requireRules } from '../rollouts/audience.ts'
import type { SignedRestatement } from '../rollouts/restatement.ts'
import type { RolloutRow, RolloutService } from '../rollouts/rollout-service.ts'
import { digestOfRequest, findAnswer, rememberAnswer } from './same-request.ts'
import type { UploadSignatures } from './upload-signatures.ts'

interface CheckedSignatures {
  signature: string | null
  statement: CheckedStatement | null
  publicKey: string | null
  isFirstKey: boolean
}

const UNSIGNED: CheckedSignatures = { signature: null, statement: null, publicKey: null, isFirstKey: false }

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
  artifacts,
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
  artifacts: ArtifactService
  releases: ReleaseService
  rollouts: RolloutService
  audit: AuditService
  announcements: AnnouncementService
  clock: Clock
  newId: () => string
}) {
  /**
   * The order makes a crash harmless: check everything, make the bytes durable, then one transaction.
   * @param archive the caller's to discard, whatever happens; undefined: the bytes of `input.sha256` came before
   */
  async function publish(
    app: AppRow,
    input: NewRelease,
    archive: ReceivedArchive | undefined,
    signatures: UploadSignatures,
    author: Author,
    publicUrl: string,
  ): Promise<Publication> {
    const { platform, version, channel = DEFAULT_CHANNEL } = input
    requirePlatform(app, platform)
    const requirement = readRequirement(input)
    const plan = readPlan(input)
    if (input.rules) requireRules(input.rules)
    const content = archive ?? (await findUploaded(input))
    requireSameBytes(input, content)
    const requestDigest = digestOfRequest(input, content, signatures)
    const place = { platform, version, channel }
    const earlier = await findAnswer(db, await releases.findByVersion(app, place), requestDigest, publicUrl)
    if (earlier) return { isRepeated: true, published: earlier }
    await releases.requireNew(app, place)
    await channels.require(app.id, channel)
    const checked = await checkSignatures(app, input, requirement, content, signatures)
    if (checked.statement) await releases.requireFree(app, platform, checked.statement.statement.sequence)

    if (archive) await artifacts.keep(archive)
    return changes.run(async (tx, change) => {
      // One publish of an app after the other: each finds the keys and the sequence that the one before left.
      const locked = await apps.lock(tx, app.id)
      const meanwhile = await findAnswer(tx, await releases.findByVersion(app, place, tx), requestDigest, publicUrl)
      if (meanwhile) return { isRepeated: true, published: meanwhile }
      const keyId = await registerKey(tx, locked, checked, author)
      const sequence =
        checked.statement?.statement.sequence ?? (await releases.getNextSequence(locked, platform, tx)).nextSequence
      const row: ReleaseRow = {
        id: newId(),
        app_id: app.id,
        platform,
        version,
        channel,
        sequence,
        floor: checked.statement?.statement.floor ?? 0,
        sha256: content.sha256,
        size_bytes: content.sizeBytes,
        file_count: content.fileCount,
        requirement: JSON.stringify(requirement),
        notes: input.notes ?? '',
        signature: checked.signature,
        statement: checked.statement?.text ?? null,
        statement_signature: checked.statement ? (signatures.statementSignature ?? null) : null,
        key_id: keyId,
        created_at: clock.now(),
        created_by: nameOf(author),
        archived_at: null,
      }
      if (archive) await artifacts.register(tx, archive)
      else await artifacts.claim(tx, content)
      await releases.add(tx, locked, row)
      await audit.record(tx, author, {
        action: 'release.published',
        subject: ['release', row.id],
        appId: app.id,
        after: { version, platform, channel, sequence, sha256: row.sha256, keyId },
      })
      await announcements.record(tx, change, {
        type: 'release.published',
        appId: app.id,
        data: { release: announced(row), by: nameOf(author) },
      })
      const prepared = preparedOf(signatures)
      const placement = { ...input, plan, platform, channel, release: row, prepared }
      const placed = await rollouts.place(tx, change, locked, placement, author, 'rollout.started')
      const published = answerOf(row, placed, checked.isFirstKey, publicUrl)
      await rememberAnswer(tx, requestDigest, published)
      return { isRepeated: false, published }
    })
  }

  /** @throws problem invalid-request, artifact-missing */
  async function findUploaded({ sha256 }: NewRelease): Promise<ArtifactContent> {
    if (sha256 === undefined) {
      const detail =
        'Expected a file part "bundle" with the zip, or metadata.sha256 of one that was uploaded; found neither.'
      throw problem('invalid-request', detail)
    }
    const content = await artifacts.find(sha256)
    if (!content) throw artifactMissing(sha256)
    return content
  }

  async function checkSignatures(
    app: AppRow,
    input: NewRelease,
    requirement: Requirement,
    content: ArtifactContent,
    signatures: UploadSignatures,
  ): Promise<CheckedSignatures> {
    const { signature, statement, statementSignature } = signatures
    if (signature === undefined && statement === undefined && statementSignature === undefined) {
      if (app.signing === 'optional') return UNSIGNED
      throw problem('signature-required', `The app "${app.slug}" takes releases that are signed by a registered key.`)
    }
    if (signature === undefined || (statement === undefined) !== (statementSignature === undefined)) {
      throw problem('invalid-request', 'Expected signature, and statement with statementSignature, found only some.')
    }
    const { keys, isFirstKey } = await keysFor(app, signatures.publicKey)
    const publicKey = checkDigestSignature(content.sha256, signature, keys)
    // The contract's older tools sign the digest only.
    if (statement === undefined || statementSignature === undefined) {
      return { signature, statement: null, publicKey, isFirstKey }
    }
    const { platform, version } = input
    const release = { version, requirement, ...statedArchive(content) }
    const checked = checkStatement({ statement, statementSignature }, [publicKey], { appId: app.id, platform, release })
    return { signature, statement: checked, publicKey, isFirstKey }
  }

  /** The keys that may have signed: the registered ones, or for an app that never had any, the one that came along. */
  async function keysFor(app: AppRow, publicKey: string | undefined) {
    const keys = await apps.listWorkingKeys(app.id)
    const isFirstKey = keys.length === 0 && !(await apps.hasEverHadKeys(app.id, db))
    if (!isFirstKey) return { keys, isFirstKey }
    if (publicKey === undefined) {
      throw problem(
        'signature-invalid',
        'The app has no signing key yet: send publicKey with its first signed release.',
      )
    }
    return { keys: [publicKey], isFirstKey }
  }

  async function registerKey(
    tx: Connection,
    app: AppRow,
    { publicKey, isFirstKey }: CheckedSignatures,
    author: Author,
  ): Promise<string | null> {
    if (publicKey === null) {
      // Someone else's first signed release may have come in between.
      if (app.signing === 'optional') return null
      throw problem('signature-required', `The app "${app.slug}" takes signed releases since a moment ago.`)
    }
    // Two first releases at once with different keys: the second must not slip in unregistered.
    if (isFirstKey && !(await apps.hasEverHadKeys(app.id, tx))) {
      return (await apps.addKey(app, { publicKey }, author, tx)).id
    }
    const keyId = await apps.findWorkingKeyId(app.id, publicKey, tx)
    if (keyId === undefined) throw problem('signature-invalid', 'The key that signed this is not registered any more.')
    return keyId
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
    return renderRelease(row, publicUrl)
  }

  return { publish, archive }
}

/** The steps back that came along, nearest first. */
function preparedOf(signatures: UploadSignatures): SignedRestatement[] {
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

function announced(row: ReleaseRow) {
  const { id, version, platform, channel, sequence, sha256, notes } = row
  return { id, version, platform, channel, sequence, sha256, sizeBytes: row.size_bytes, notes }
}

function answerOf(
  release: ReleaseRow,
  rollout: RolloutRow,
  keyRegistered: boolean,
  publicUrl: string,
): PublishedRelease {
  const { id: releaseId, version, platform, channel, sequence, sha256 } = release
  return {
    releaseId,
    rolloutId: rollout.id,
    version,
    platform,
    channel,
    sequence,
    percentage: rollout.percentage,
    mandatory: rollout.mandatory === 1,
    sha256,
    sizeBytes: release.size_bytes,
    fileCount: release.file_count,
    downloadUrl: artifactUrl(publicUrl, sha256),
    keyRegistered,
  }
}

function requireSameBytes(input: NewRelease, found: ArtifactContent): void {
  if (input.sha256 !== undefined && input.sha256 !== found.sha256) {
    throw problem('hash-mismatch', `Expected bytes with the SHA-256 ${input.sha256}, received ${found.sha256}.`)
  }
  if (input.sizeBytes !== undefined && input.sizeBytes !== found.sizeBytes) {
    throw problem('size-mismatch', `Expected ${input.sizeBytes} bytes, received ${found.sizeBytes}.`)
  }
}
