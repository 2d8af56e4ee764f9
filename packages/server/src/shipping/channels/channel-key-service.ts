import { hash, randomBytes } from 'node:crypto'
import type { ChannelKey, NewChannelKey, Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { nullableTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Database } from '../../ground/database/schema.ts'
import { channelKeyOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import { requirePlatform, type AppRow } from '../apps/app-service.ts'
import { insertChannelKey, listChannelKeys, revokeChannelKey, type ChannelKeyRow } from './channel-key-store.ts'
import type { ChannelService } from './channel-service.ts'

export type ChannelKeyService = ReturnType<typeof createChannelKeyService>

/** Keys that name an app and one of its channels: of clients that have one such key and nothing else. */
export function createChannelKeyService({
  db,
  changes,
  channels,
  audit,
  box,
  clock,
  newId,
}: {
  db: Database
  changes: Changes
  channels: ChannelService
  audit: AuditService
  box: SecretBox
  clock: Clock
  newId: () => string
}) {
  /** @throws problem channel-not-found, platform-not-found, or channel-key-exists when the key is somebody's already */
  async function create(app: AppRow, input: NewChannelKey, author: Author): Promise<ChannelKey> {
    const { platform = null } = input
    if (platform !== null) requirePlatform(app, platform)
    const id = newId()
    const key = input.key ?? `hpc_${randomBytes(18).toString('base64url')}`
    const row: ChannelKeyRow = {
      id,
      app_id: app.id,
      channel: input.channel,
      platform,
      name: input.name ?? input.channel,
      key: await box.seal(channelKeyOwner(id), key),
      key_hash: hash('sha256', key),
      created_at: clock.now(),
      created_by: nameOf(author),
      revoked_at: null,
    }
    await changes.run(async (tx, change) => {
      await channels.require(app.id, input.channel, tx)
      await insertChannelKey(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('channel-key-exists', 'This key is in use already.', {}, { cause: error })
      })
      await audit.record(tx, author, {
        action: 'channel-key.created',
        subject: ['channel-key', id],
        appId: app.id,
        after: describe(row),
      })
      change.raiseApps()
    })
    return { ...describe(row), key }
  }

  async function list(app: AppRow): Promise<Page<ChannelKey>> {
    const rows = await listChannelKeys(db, app.id)
    const items = rows.map(async (row) => ({ ...describe(row), key: await box.open(channelKeyOwner(row.id), row.key) }))
    return { items: await Promise.all(items), nextCursor: null }
  }

  /** Whoever comes with it afterwards is refused. */
  async function revoke(app: AppRow, id: string, author: Author): Promise<ChannelKey> {
    const row = await changes.run(async (tx, change) => {
      const before = (await listChannelKeys(tx, app.id)).find((each) => each.id === id)
      if (!before) throw problem('channel-key-not-found', `The app has no channel key with the id ${id}.`)
      if (before.revoked_at !== null) return before
      const after = { ...before, revoked_at: clock.now() }
      await revokeChannelKey(tx, id, after.revoked_at)
      await audit.record(tx, author, {
        action: 'channel-key.revoked',
        subject: ['channel-key', id],
        appId: app.id,
        before: describe(before),
        after: describe(after),
      })
      change.raiseApps()
      return after
    })
    return { ...describe(row), key: await box.open(channelKeyOwner(row.id), row.key) }
  }

  return { create, list, revoke }
}

/** All but the key, which has no place in the audit log. */
function describe(row: ChannelKeyRow): Omit<ChannelKey, 'key'> {
  return {
    id: row.id,
    channel: row.channel,
    platform: row.platform,
    name: row.name,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
    revokedAt: nullableTimestamp(row.revoked_at),
  }
}
