import { ChannelName, DEFAULT_CHANNEL } from '@hotpatch/api'
import { isPlatform, Problem, problem, type Platform } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { Author } from '../../people/authors/author.ts'
import { platformsOf, type AppRow, type AppService } from '../../shipping/apps/app-service.ts'
import type { ChannelKeyService } from '../../shipping/channels/channel-key-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { entryOf, type HistoryEntry, type PackageSource } from './describe.ts'
import { listHistory, type Place } from './history-queries.ts'

/** As many as CodePush's own server keeps. */
const MAX_HISTORY = 50

const isChannelName = createCheck(ChannelName)

/** What CodePush calls a deployment: a channel of an app on one platform, with its key. */
export interface Deployment {
  app: AppRow
  platform: Platform
  channel: string
  name: string
  key: string
}

export interface NewDeployment {
  name: string
  key?: string
}

/** Newest first, and the number of the newest. */
export interface DeploymentHistory {
  newest: number
  entries: HistoryEntry[]
  /** Whether what the binary shipped with was placed last: the newest entry is not what devices get. */
  isEmbeddedOnTop: boolean
}

export type Deployments = ReturnType<typeof createDeployments>

/** Code Push §8: apps and deployments by the names that CodePush's tools know them by, and what lies on them. */
export function createDeployments({
  db,
  apps,
  channels,
  channelKeys,
}: {
  db: Database
  apps: AppService
  channels: ChannelService
  channelKeys: ChannelKeyService
}) {
  async function findApp(actor: Asker, name: string): Promise<{ app: AppRow; platform: Platform }> {
    const slug = slugOf(name)
    const [, base, suffix] = /^(.+)-([a-z]+)$/.exec(slug) ?? []
    const exact = await apps.resolve(actor, slug).catch(orNone)
    if (exact) {
      const [only = 'any', another] = platformsOf(exact)
      return { app: exact, platform: another === undefined ? only : 'any' }
    }
    const app = base === undefined ? undefined : await apps.resolve(actor, base).catch(orNone)
    if (app && isPlatform(suffix) && platformsOf(app).includes(suffix)) return { app, platform: suffix }
    throw problem('app-not-found', `App "${name}" does not exist.`)
  }

  async function list(app: AppRow, platform: Platform): Promise<Deployment[]> {
    const { items } = await channelKeys.list(app)
    const own = items.filter((key) => key.revokedAt === null && key.platform === platform)
    // Of several keys the newest is told.
    const byChannel = new Map(own.map(({ channel, key }) => [channel, key]))
    return [...byChannel].map(([channel, key]) => ({ app, platform, channel, key, name: nameOfChannel(channel) }))
  }

  /** @throws problem app-not-found or channel-not-found */
  async function find(
    actor: Asker,
    { app: name, deployment }: { app: string; deployment: string },
  ): Promise<Deployment> {
    const { app, platform } = await findApp(actor, name)
    const found = (await list(app, platform)).find((each) => each.channel === channelOf(deployment))
    if (found) return found
    throw problem('channel-not-found', `Deployment "${deployment}" does not exist.`)
  }

  async function create(author: Author, app: AppRow, platform: Platform, wish: NewDeployment) {
    const channel = channelOf(wish.name)
    if (!isChannelName.Check(channel)) {
      const detail = `Deployment "${wish.name}": expected a name of letters, digits, ".", "_" and "-", such as Beta.`
      throw problem('invalid-request', detail)
    }
    const { items } = await channels.list(app)
    if (!items.some(({ name }) => name === channel)) await channels.create(app, { name: channel }, author)
    const there = (await list(app, platform)).some((each) => each.channel === channel)
    if (there) throw problem('channel-exists', `A deployment named '${wish.name}' already exists.`)
    const { key } = await channelKeys.create(
      app,
      { channel, platform, name: wish.name, ...(wish.key !== undefined && { key: wish.key }) },
      author,
    )
    return { name: nameOfChannel(channel), key }
  }

  async function historyOf(deployment: Deployment): Promise<DeploymentHistory> {
    const { newest, labels, rows, isEmbeddedOnTop } = await listHistory(db, placeOf(deployment), MAX_HISTORY)
    const entries = rows.map((row) => entryOf(row, `v${labels.get(row.rollout_id) ?? 0}`))
    return { newest, entries, isEmbeddedOnTop }
  }

  /** By rollout: what goes back to what was there before, and what came from another channel. */
  async function sourcesOf(
    deployment: Deployment,
    entries: readonly HistoryEntry[],
  ): Promise<ReadonlyMap<string, PackageSource>> {
    const others = new Map<string, readonly HistoryEntry[]>()
    const sources = new Map<string, PackageSource>()
    for (const [index, { rollout_id: id, release_id: release, first_channel: channel }] of entries.entries()) {
      const isSame = (entry: HistoryEntry) => entry.release_id === release
      const before = entries.slice(index + 1).find(isSame)
      if (before) sources.set(id, { releaseMethod: 'Rollback', originalLabel: before.label })
      if (before || channel === deployment.channel) continue
      const other = others.get(channel) ?? (await historyOf({ ...deployment, channel })).entries
      others.set(channel, other)
      const originalLabel = other.findLast(isSame)?.label
      const originalDeployment = nameOfChannel(channel)
      sources.set(id, { releaseMethod: 'Promote', originalDeployment, ...(originalLabel && { originalLabel }) })
    }
    return sources
  }

  return { findApp, list, find, create, historyOf, sourcesOf }
}

export function placeOf({ app, platform, channel }: Deployment): Place {
  return { appId: app.id, platform, channel }
}

type Asker = Parameters<AppService['resolve']>[0]

export function slugOf(name: string): string {
  return name.toLowerCase().replaceAll(/[ ._]+/g, '-')
}

/** "Production" and "Staging" are what CodePush calls those that every app has. */
function channelOf(deployment: string): string {
  return deployment.toLowerCase().replaceAll(' ', '-')
}

function nameOfChannel(channel: string): string {
  const isDefault = channel === DEFAULT_CHANNEL || channel === 'staging'
  return isDefault ? channel.charAt(0).toUpperCase() + channel.slice(1) : channel
}

function orNone(error: unknown): undefined {
  if (error instanceof Problem && error.type === 'app-not-found') return undefined
  throw error
}
