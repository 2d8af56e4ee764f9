import { Channel, NewChannel, pageOf, type Page } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import type { AppRow } from '../apps/app-service.ts'
import type { ResolveApp } from '../apps/resolve-app.ts'
import { authorOf, type AuditService, type Author } from '../audit/audit-service.ts'
import { timestamp, type Clock } from '../clock.ts'
import { isUniqueViolation } from '../database/database-errors.ts'
import type { Connection, Database, Schema } from '../database/schema.ts'

const DEFAULT_CHANNELS = ['production', 'staging', 'beta']

export type ChannelService = ReturnType<typeof createChannelService>

export function createChannelService({
  db,
  audit,
  clock,
  newId,
  announceApps,
}: {
  db: Database
  audit: AuditService
  clock: Clock
  newId: () => string
  announceApps: () => Promise<void>
}) {
  async function createDefaults(connection: Connection, appId: string): Promise<void> {
    for (const name of DEFAULT_CHANNELS) await insertChannel(connection, newRow(appId, name))
  }

  async function create(app: AppRow, name: string, author: Author): Promise<Channel> {
    const row = newRow(app.id, name)
    await db.transaction().execute(async (tx) => {
      await insertChannel(tx, row).catch((error: unknown) => {
        if (!isUniqueViolation(error)) throw error
        throw problem('channel-exists', `The app has a channel "${name}" already.`, {}, { cause: error })
      })
      await audit.record(tx, author, {
        action: 'channel.created',
        subject: ['channel', row.id],
        appId: app.id,
        after: render(row),
      })
    })
    await announceApps()
    return render(row)
  }

  async function list(app: AppRow): Promise<Page<Channel>> {
    const rows = await db.selectFrom('channel').selectAll().where('app_id', '=', app.id).orderBy('id').execute()
    return { items: rows.map(render), nextCursor: null }
  }

  /** @throws problem channel-not-found */
  async function requireChannel(appId: string, name: string): Promise<void> {
    const query = db.selectFrom('channel').select('id').where('app_id', '=', appId).where('name', '=', name)
    if (!(await query.executeTakeFirst())) throw channelNotFound(name)
  }

  /** The position of a new rollout; takes the channel's row, so that two at once get different ones. */
  async function takePosition(tx: Connection, appId: string, channel: string): Promise<number> {
    const row = await tx
      .updateTable('channel')
      .set((set) => ({ last_position: set('last_position', '+', 1) }))
      .where('app_id', '=', appId)
      .where('name', '=', channel)
      .returning('last_position')
      .executeTakeFirst()
    if (!row) throw channelNotFound(channel)
    return row.last_position
  }

  function newRow(appId: string, name: string): Schema['channel'] {
    return { id: newId(), app_id: appId, name, last_position: 0, created_at: clock.now() }
  }

  return { createDefaults, create, list, require: requireChannel, takePosition }
}

function channelNotFound(name: string) {
  return problem('channel-not-found', `The app has no channel "${name}".`)
}

function insertChannel(db: Connection, row: Schema['channel']) {
  return db.insertInto('channel').values(row).execute()
}

function render(row: Schema['channel']): Channel {
  return { id: row.id, name: row.name, createdAt: timestamp(row.created_at) }
}

export function channelRoutes({
  channels,
  resolveApp,
}: {
  channels: ChannelService
  resolveApp: ResolveApp
}): FastifyPluginAsyncTypebox {
  const params = Type.Object({ app: Type.String({ description: 'Id or slug' }) })
  return async (app) => {
    app.get(
      '/apps/:app/channels',
      {
        config: { access: 'reader' },
        schema: { tags: ['channels'], summary: 'Channels, oldest first', params, response: { 200: pageOf(Channel) } },
      },
      async (request) => channels.list(await resolveApp(request, request.params.app)),
    )

    app.post(
      '/apps/:app/channels',
      {
        config: { access: 'admin' },
        schema: {
          tags: ['channels'],
          summary: 'Makes a channel',
          params,
          body: NewChannel,
          response: { 201: Channel },
        },
      },
      async (request, reply) => {
        const found = await resolveApp(request, request.params.app)
        return reply.code(201).send(await channels.create(found, request.body.name, authorOf(request)))
      },
    )
  }
}
