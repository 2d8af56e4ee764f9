import { setTimeout as wait } from 'node:timers/promises'
import type { Platform } from '../../packages/protocol/src/index.ts'
import type { Attempt, KnownRollout } from '../ledger.ts'
import type { World } from '../world.ts'
import { makeBundle } from './bundle.ts'
import { noteGivenUp } from './given-up.ts'
import { createPublishing } from './publishing.ts'

const PAUSE_MS = { from: 100, to: 700 }
const CHANNELS = ['production', 'staging'] as const
const PERCENTAGES = [1, 5, 10, 25, 50, 100] as const
/** Something like a day of a release manager, in minutes. */
const DEEDS = [
  'publish',
  'publish',
  'publish',
  'widen',
  'widen',
  'pause',
  'resume',
  'halt',
  'roll-back',
  'promote',
  'publish-bad',
] as const
type Deed = (typeof DEEDS)[number]
/** On loopback a guard cannot tell networks apart, and a campaign has no day to wait for. */
const QUICK_GUARD = { isOn: true, action: 'pause', minimumSample: 10 } as const
/** Older rollouts are left as they are. */
const RECENT = 12

/** Publishes for one platform and plays with what is published, until the end. */
export async function runPublisher(world: World, platform: Platform): Promise<void> {
  const { ledger, activity, app } = world
  const random = world.random.of(`publisher of ${platform}`)
  const publishing = createPublishing(world, platform)
  let published = 0

  async function publish(isBad: boolean): Promise<void> {
    const version = `1.${published++}.0`
    const bundle = await makeBundle(random, version, random.between(500, 200_000))
    const channel = isBad || random.chance(0.7) ? 'production' : 'staging'
    const percentage = isBad ? 100 : random.pick(PERCENTAGES)
    const guard = { guard: isBad ? QUICK_GUARD : ('off' as const) }
    const rollout = await activity.change(() =>
      publishing.publish({ version, bundle, channel, percentage, isBad, ...guard }),
    )
    if (!isBad) return
    await publishing.awaitGuard(rollout)
    await activity.change(() => publishing.halt(rollout))
  }

  const own = (state: KnownRollout['state']) =>
    [...ledger.rollouts.values()]
      .filter((rollout) => rollout.platform === platform && rollout.state === state && !isBad(rollout))
      .slice(-RECENT)
  const isBad = ({ releaseId }: KnownRollout) => ledger.findRelease(releaseId)?.isBad ?? false

  async function withOne(state: KnownRollout['state'], act: (rollout: KnownRollout) => Promise<void>): Promise<void> {
    const rollouts = own(state)
    if (rollouts.length > 0) await activity.change(() => act(random.pick(rollouts)))
  }

  async function placeAgain(by: 'promotion' | 'roll-back'): Promise<void> {
    const good = ledger.releases.filter(
      (each: Attempt) => each.app === app.slug && each.platform === platform && !each.isBad,
    )
    if (good.length < 2) return
    const release = random.pick(good.slice(-RECENT))
    const isOn = (channel: string) =>
      ledger.rolloutsOf(release.releaseId ?? '').some((rollout) => rollout.channel === channel)
    const channel = CHANNELS.find((each) => (by === 'roll-back' ? isOn(each) : !isOn(each)))
    if (channel) await activity.change(() => publishing.placeAgain(release, channel, by))
  }

  async function act(deed: Deed): Promise<void> {
    switch (deed) {
      case 'publish':
        return publish(false)
      case 'publish-bad':
        return publish(true)
      case 'widen':
        return withOne('active', (rollout) => publishing.widen(rollout, widerThan(rollout.percentage)))
      case 'pause':
        return withOne('active', publishing.pause)
      case 'resume':
        return withOne('paused', publishing.resume)
      case 'halt':
        return withOne('active', publishing.halt)
      case 'roll-back':
        return placeAgain('roll-back')
      case 'promote':
        return placeAgain('promotion')
    }
  }

  await publish(false).catch((error: unknown) => noteGivenUp(world, error))
  while (!world.end.aborted) {
    await act(random.pick(DEEDS)).catch((error: unknown) => noteGivenUp(world, error))
    await wait(random.between(PAUSE_MS.from, PAUSE_MS.to))
  }
}

function widerThan(percentage: number): number {
  return PERCENTAGES.find((each) => each > percentage) ?? 100
}
