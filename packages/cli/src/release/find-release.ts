import type { App, ManagementClient, Page, Release, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readPlatform } from '../arguments/readers.ts'
import { CommandError } from '../errors/errors.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import { choosePlatform } from './several-platforms.ts'

interface Wanted {
  platform: Platform
  version: string
  channel?: string | undefined
}

const PAGE = 200
/** Of 200 rollouts each: older ones are named by their id. */
const MAX_PAGES = 25

/** The one release of this version, which has to have been on the channel, if one is named. */
export async function findNamedRelease(api: ManagementClient, app: App, wanted: Wanted): Promise<Release> {
  const { platform, version, channel } = wanted
  const place = { platform, ...given({ channel }) }
  const { items } = await api.listReleases(app.id, { ...place, version, limit: 1 })
  if (items[0]) return items[0]
  const elsewhere = await describeElsewhere(api, app.id, version, place)
  const where = channel === undefined ? '' : ` on ${channel}`
  throw new CommandError(
    'release-not-found',
    `${app.slug} has never had the version ${version}${where} for ${platform}. ${elsewhere}`,
  )
}

/** Of a command about one release. */
export interface OneReleaseOptions extends SessionOptions {
  platform?: Platform
}

export function ofOneRelease(command: Command): Command {
  return command.option('--platform <platform>', 'the only one of hotpatch.json when absent', readPlatform)
}

/** The release that the command is about, and its app. */
export async function findOneRelease(session: Session, version: string, { platform }: OneReleaseOptions) {
  const app = await session.chooseApp()
  const wanted = { version, platform: choosePlatform(platform, session.project) }
  return { app, release: await findNamedRelease(session.api, app, wanted) }
}

/** Where a version is that is not where somebody looked, or where to look: a sentence. */
export async function describeElsewhere(
  api: ManagementClient,
  appId: string,
  version: string,
  looked: { platform?: Platform; channel?: string },
): Promise<string> {
  const isNarrow = looked.platform !== undefined || looked.channel !== undefined
  const found = isNarrow ? await listRolloutsOf(api, appId, version, {}) : []
  const places = new Set(found.map(({ channel, platform }) => `on ${channel} for ${platform}`))
  if (places.size === 0) return 'See: rollouts list'
  return `It is ${[...places].join(' and ')}: name that place, or see: rollouts list`
}

/** All that place a version, or "embedded", newest first; of the last `MAX_PAGES` pages of rollouts. */
export function listRolloutsOf(
  api: ManagementClient,
  appId: string,
  version: string,
  place: { platform?: Platform; channel?: string },
): Promise<Rollout[]> {
  return listRolloutsThat((rollout) => (rollout.version ?? rollout.target) === version, api, appId, place)
}

async function listRolloutsThat(
  isWanted: (rollout: Rollout) => boolean,
  api: ManagementClient,
  appId: string,
  place: { platform?: Platform; channel?: string },
): Promise<Rollout[]> {
  const found: Rollout[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor } = await api.listRollouts(appId, { ...place, limit: PAGE, ...given({ cursor }) })
    found.push(...items.filter(isWanted))
    if (nextCursor === null) break
    cursor = nextCursor
  }
  return found
}

/** The channels that have, or had, a release. */
export async function listChannelsOf(api: ManagementClient, { id, appId, channel }: Release): Promise<string[]> {
  const rollouts = await listRolloutsThat(({ releaseId }) => releaseId === id, api, appId, {})
  return [...new Set(rollouts.length > 0 ? rollouts.map((rollout) => rollout.channel) : [channel])]
}

/**
 * What a channel had for everyone before a release came, and still has for the same binaries: the version, or "embedded".
 * Nobody goes back to what has not begun, is only tried or was stopped, nor to what was itself gone back from to this
 * release.
 * @throws CommandError where "embedded" would send other binaries back, too
 */
export async function findBefore(
  api: ManagementClient,
  { id, version, appId, platform, requirement }: Release,
  { channel, now }: { channel: string; now: Date },
): Promise<string> {
  const isOf = (rollout: Rollout) => rollout.platform === platform || rollout.platform === 'any'
  const rollouts = await listRolloutsThat(isOf, api, appId, { channel })
  const own = Math.min(...rollouts.filter(({ releaseId }) => releaseId === id).map(({ position }) => position))
  const newestFirst = rollouts.filter((rollout) => isForEveryone(rollout, now)).sort((a, b) => b.position - a.position)
  const releases = new Map<string, Release>()
  async function isForSame({ releaseId }: Rollout): Promise<boolean> {
    if (releaseId === null || releaseId === id) return true
    const release = releases.get(releaseId) ?? (await api.getRelease(releaseId))
    releases.set(releaseId, release)
    const { runtimeVersion } = release.requirement
    return runtimeVersion === undefined || runtimeVersion === requirement.runtimeVersion
  }
  for (const rollout of newestFirst) {
    if (rollout.position < own && (await isForSame(rollout))) return rollout.version ?? 'embedded'
  }
  for (const rollout of newestFirst) {
    if (await isForSame(rollout)) continue
    throw new CommandError(
      'rollback-target-invalid',
      `Before ${version} ${channel} had nothing for its runtime version, and it has updates for others, such as ` +
        `${rollout.version}, which would go back to what the binary shipped with, too. Halt it instead (rollouts halt), ` +
        'or say what to go back to: --to.',
    )
  }
  return 'embedded'
}

/** Of which the bytecode is meant. */
export interface HermesBaseWish {
  platform: Platform
  channel: string
  /** Undefined: what is in force on the channel. */
  version: string | undefined
}

/** @throws CommandError when there is no release of that version; undefined when nothing is in force yet */
export function findHermesBase(
  { api, context }: Pick<Session, 'api' | 'context'>,
  app: App,
  { platform, channel, version }: HermesBaseWish,
): Promise<Release | undefined> {
  if (version !== undefined) return findNamedRelease(api, app, { platform, version })
  return findInForce(api, app.id, { platform, channel, now: context.now() })
}

/** What a channel has for everyone; undefined where that is what the binary shipped with. */
async function findInForce(
  api: ManagementClient,
  appId: string,
  { platform, channel, now }: { platform: Platform; channel: string; now: Date },
): Promise<Release | undefined> {
  const isOf = (rollout: Rollout) => rollout.platform === platform && isForEveryone(rollout, now)
  const [newest] = (await listRolloutsThat(isOf, api, appId, { channel })).sort((a, b) => b.position - a.position)
  return newest?.releaseId ? api.getRelease(newest.releaseId) : undefined
}

function isForEveryone({ state, startsAt, percentage, rules, slice }: Rollout, now: Date): boolean {
  const hasStarted = startsAt === null || Date.parse(startsAt) <= now.getTime()
  return state === 'active' && hasStarted && percentage === 100 && rules.length === 0 && slice === null
}

/** Newest first; of the last `MAX_PAGES` pages of rollouts. */
export async function findRollout(fetchPage: (cursor?: string) => Promise<Page<Rollout>>, version: string) {
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor } = await fetchPage(cursor)
    const found = items.find((rollout) => rollout.version === version)
    if (found || nextCursor === null) return found
    cursor = nextCursor
  }
  return undefined
}
