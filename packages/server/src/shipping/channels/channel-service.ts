import { DEFAULT_CHANNEL, type Channel, type ChannelChanges, type NewChannel, type Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { AppRow } from '../apps/app-service.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import { isUniqueViolation } from '../../ground/database/database-errors.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import { hasPlatformKey, revokeChannelKeysOf } from './channel-key-store.ts'
import {
  deleteChannel,
  findChannel,
  insertChannel,
  listChannels,
  raiseLastPosition,
  setDeviceChoice,
  type ChannelRow,
} from './channel-store.ts'

const DEFAULT_CHANNELS = [DEFAULT_CHANNEL, 'staging', 'beta']

export type ChannelService = ReturnType<typeof createChannelService>

export function createChannelService({
  db,
  audit,
  clock,
  newId,
  changes,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
  changes: Changes
}) {
  async function createDefaults(connection: Connection, appId: string): Promise<void> {
    for (const name of DEFAULT_CHANNELS) await insertChannel(connection, newRow(appId, name))
  }

  async function create(app: AppRow, { name, deviceChoice }: NewChannel, author: Author): Promise<Channel> {
    const row: ChannelRow = { ...newRow(app.id, name), ...(deviceChoice && { device_choice: deviceChoice }) }
    await changes.run(async (tx, change) => {
      await insertChannel(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('channel-exists', `The app has a channel "${name}" already.`, {}, { cause: error })
      })
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'channel.created',
        subject: ['channel', row.id],
        appId: app.id,
        after: render(row),
      })
    })
    return render(row)
  }

  async function change(app: AppRow, name: string, input: ChannelChanges, author: Author): Promise<Channel> {
    const row = await changes.run(async (tx, change) => {
      const before = await findChannel(tx, app.id, name)
      if (!before) throw channelNotFound(name)
      const after = { ...before, device_choice: input.deviceChoice }
      await setDeviceChoice(tx, before.id, input.deviceChoice)
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'channel.changed',
        subject: ['channel', before.id],
        appId: app.id,
        before: render(before),
        after: render(after),
      })
      return after
    })
    return render(row)
  }

  /** One that was made by mistake: nothing was ever placed on it. Devices that ask for it hear that there is none. */
  async function remove(app: AppRow, name: string, author: Author): Promise<Channel> {
    if (name === DEFAULT_CHANNEL) throw problem('channel-in-use', `"${name}" is what devices ask for that name none.`)
    const row = await changes.run(async (tx, change) => {
      // Takes the row, so that nobody places anything meanwhile; it is gone, or this is undone.
      const taken = await raiseLastPosition(tx, app.id, name)
      const row = await findChannel(tx, app.id, name)
      if (!taken || !row) throw channelNotFound(name)
      if (taken.last_position > 1) {
        throw problem('channel-in-use', `Releases were placed on "${name}", and devices may run them.`)
      }
      await deleteChannel(tx, row.id)
      await revokeChannelKeysOf(tx, app.id, name, clock.now())
      change.raiseApps()
      await audit.record(tx, author, {
        action: 'channel.deleted',
        subject: ['channel', row.id],
        appId: app.id,
        before: render(row),
      })
      return row
    })
    return render(row)
  }

  async function list(app: AppRow): Promise<Page<Channel>> {
    return { items: (await listChannels(db, app.id)).map(render), nextCursor: null }
  }

  /** @throws problem channel-not-found */
  async function requireChannel(appId: string, name: string, connection: Connection = db): Promise<void> {
    if (!(await findChannel(connection, appId, name))) throw channelNotFound(name)
  }

  /** The position of a new rollout; takes the channel's row, so that two at once get different ones. */
  async function takePosition(tx: Connection, appId: string, channel: string): Promise<number> {
    const row = await raiseLastPosition(tx, appId, channel)
    if (!row) throw channelNotFound(channel)
    return row.last_position
  }

  function newRow(appId: string, name: string): ChannelRow {
    return { id: newId(), app_id: appId, name, last_position: 0, created_at: clock.now(), device_choice: 'closed' }
  }

  return {
    createDefaults,
    create,
    change,
    remove,
    list,
    require: requireChannel,
    takePosition,
    hasKeyFor: hasPlatformKey,
  }
}

function channelNotFound(name: string) {
  return problem('channel-not-found', `The app has no channel "${name}".`)
}

function render(row: ChannelRow): Channel {
  return { id: row.id, name: row.name, deviceChoice: row.device_choice, createdAt: timestamp(row.created_at) }
}
