import type { ManagementClient, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import { readChannel, readPlatform } from '../arguments/readers.ts'
import { withApp } from '../arguments/shared-options.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatVersion } from '../output/figures.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import { describeElsewhere, listRolloutsOf } from './find-release.ts'

/** How a rollout is named: by its id, or by the version that it places, and where if that is not clear. */
export interface RolloutChoice extends SessionOptions {
  version?: string
  platform?: Platform
  channel?: string
}

const ROLLOUT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export function isRolloutId(text: string): boolean {
  return ROLLOUT_ID.test(text)
}

/** The argument, and the options that say the same in words. */
export function withRollout(command: Command): Command {
  return withApp(command)
    .argument('[rollout]', 'its id, or the version that it places, such as 1.2.0')
    .option('--version <version>', 'the version that it places, or "embedded"')
    .option('--platform <platform>', 'the one of this platform', readPlatform)
    .option('--channel <channel>', 'the one on this channel', readChannel)
}

/**
 * Of a version's rollouts in one place the newest that is active or paused, else the newest.
 * @throws UsageError when it is on several channels or platforms, naming them
 */
export async function chooseRollout(
  session: Pick<Session, 'api' | 'chooseApp'>,
  named: string | undefined,
  options: RolloutChoice,
): Promise<Rollout> {
  if (named !== undefined && options.version !== undefined) {
    throw new UsageError('Name the rollout once: by its id, by a version, or with --version.')
  }
  const wanted = named ?? options.version
  if (wanted === undefined) throw new UsageError('Name the rollout: by its id, or by the version that it places.')
  if (isRolloutId(wanted)) return session.api.getRollout(wanted)
  const { id: appId } = await session.chooseApp()
  return chooseByVersion(session.api, appId, wanted, options)
}

async function chooseByVersion(
  api: ManagementClient,
  appId: string,
  version: string,
  { platform, channel }: RolloutChoice,
): Promise<Rollout> {
  const all = await listRolloutsOf(api, appId, version, given({ platform, channel }))
  const live = all.filter(({ state }) => state === 'active' || state === 'paused')
  const newest = newestOfEachPlace(live.length > 0 ? live : all)
  const [first, second] = newest
  if (!first) {
    const where = [channel && ` on ${channel}`, platform && ` for ${platform}`].filter(Boolean).join('')
    const elsewhere = await describeElsewhere(api, appId, version, given({ platform, channel }))
    throw new CommandError('rollout-not-found', `There is no rollout of ${version}${where}. ${elsewhere}`)
  }
  if (!second) return first
  const places = newest.map((rollout) => `  ${describePlace(rollout)}  ${rollout.id}`)
  throw new UsageError(`${version} has rollouts in several places. Add --platform or --channel:\n${places.join('\n')}`)
}

/** They come newest first. */
function newestOfEachPlace(rollouts: readonly Rollout[]): Rollout[] {
  const places = new Map<string, Rollout>()
  for (const rollout of rollouts) {
    const place = `${rollout.platform} ${rollout.channel}`
    if (!places.has(place)) places.set(place, rollout)
  }
  return [...places.values()]
}

/** Such as "1.2.0 on production for android (active, 10 %)". */
export function describePlace({ version, channel, platform, state, percentage }: Rollout): string {
  return `${formatVersion(version)} on ${channel} for ${platform} (${state}, ${percentage} %)`
}
