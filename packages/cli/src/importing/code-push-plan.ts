import type { ChannelKey, Release, Rollout } from '@hotpatch/api'
import { isSameRequirement, type Platform } from '@hotpatch/protocol'
import { isChannel } from '../arguments/readers.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { CodePushDeployment, CodePushRelease } from './code-push-history.ts'
import type { LeftOut } from './left-out.ts'

/** An app of the source, and for which platform it is here. */
export interface ChosenApp {
  name: string
  platform: Platform
}

/** What CodePush calls a deployment, and the place that it becomes. */
export interface PlannedDeployment extends CodePushDeployment {
  app: ChosenApp
  channel: string
  platform: Platform
}

/** A release of the source, and what is there of it. */
export interface PlannedRelease {
  deployment: PlannedDeployment
  release: CodePushRelease
  /** Its rollout here, from an import before. */
  there: Rollout | undefined
}

const SUFFIX = /[-_. ](android|ios)$/i

/**
 * @param wished such as `MyApp=android`, in place of what the names say; empty: all apps, which have to be one
 * @throws UsageError when it is not clear what is meant
 */
export function chooseApps(names: readonly string[], wished: ReadonlyMap<string, Platform | undefined>): ChosenApp[] {
  const unknown = [...wished.keys()].filter((name) => !names.includes(name))
  if (unknown.length > 0) {
    throw new UsageError(`--source-app: there is no ${formatList(unknown)} at the source, but ${formatList(names)}.`)
  }
  const chosen = (wished.size > 0 ? [...wished.keys()] : names).map((name) => ({
    name,
    platform: wished.get(name) ?? platformOf(name),
  }))
  const [first] = chosen
  if (!first) throw new CommandError('source-empty', 'The source has no app that this access key may see.')
  const bases = new Set(chosen.map(({ name }) => name.replace(SUFFIX, '').toLowerCase()))
  if (wished.size === 0 && bases.size > 1) {
    throw new UsageError(`The source has ${formatList(names)}. Name those of one app: --source-app ${first.name}`)
  }
  return chosen.map(({ name, platform }) => {
    if (platform) return { name, platform }
    throw new UsageError(`The name ${name} does not say its platform. Say it: --source-app ${name}=android`)
  })
}

function platformOf(name: string): Platform | undefined {
  return SUFFIX.exec(name)?.[1]?.toLowerCase() as Platform | undefined
}

/** @param channels by deployment, in place of what its name says */
export function placeDeployments(
  app: ChosenApp,
  deployments: readonly CodePushDeployment[],
  channels: ReadonlyMap<string, string>,
): PlannedDeployment[] {
  return deployments.map((deployment) => {
    const channel = channels.get(deployment.name) ?? channelOf(deployment.name)
    return { ...deployment, app, channel, platform: app.platform }
  })
}

/** "Production" is production. */
function channelOf(deployment: string): string {
  const channel = deployment
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
  if (isChannel(channel)) return channel
  throw new UsageError(`No channel can be called ${deployment}. Name one: --deployment ${deployment}=production`)
}

/** Two of the source's may not become one: in which order their releases came, nobody would know. */
export function requireApart(deployments: readonly PlannedDeployment[]): void {
  const byPlace = Map.groupBy(deployments, ({ channel, platform }) => `${channel} for ${platform}`)
  for (const [place, [first, second]] of byPlace) {
    if (!first || !second) continue
    const both = `${first.app.name} ${first.name} and ${second.app.name} ${second.name}`
    throw new UsageError(`${both} would both be ${place}. Give one another channel: --deployment ${second.name}=other`)
  }
}

/** All of them in the order in which they were released; those of one deployment in that of their labels. */
export function orderReleases(
  deployments: readonly PlannedDeployment[],
  rollouts: readonly Rollout[],
): PlannedRelease[] {
  const planned = deployments.flatMap((deployment, index) => {
    let at = 0
    return deployment.releases.map((release) => {
      at = Math.max(at, release.uploadedAt)
      return { at, index, planned: { deployment, release, there: findThere(rollouts, deployment, release) } }
    })
  })
  return planned.toSorted((a, b) => a.at - b.at || a.index - b.index).map((each) => each.planned)
}

function findThere(
  rollouts: readonly Rollout[],
  { channel, platform }: PlannedDeployment,
  { labelNumber }: CodePushRelease,
): Rollout | undefined {
  return rollouts.find(
    (each) => each.labelNumber === labelNumber && each.channel === channel && each.platform === platform,
  )
}

const HASH_DIGITS = 12
const MAX_CHANNEL = 24

/** The label that it came under first, and what it is: no other content has the same. */
export function versionOf({ deployment: { channel }, release }: PlannedRelease): string {
  return `v${release.labelNumber}-${channel.slice(0, MAX_CHANNEL)}-${shortHash(release)}`
}

const shortHash = ({ packageHash }: CodePushRelease) => packageHash.slice(0, HASH_DIGITS)

/** Whether a version is that of this content. */
export function isVersionOf(version: string | null, release: CodePushRelease): boolean {
  return version?.endsWith(`-${shortHash(release)}`) ?? false
}

/** A release here that is this one: of a roll-back and a promotion there is one already. */
export function findSame(releases: readonly Release[], { deployment, release }: PlannedRelease): Release | undefined {
  return releases.find(
    (each) =>
      each.platform === deployment.platform &&
      each.archivedAt === null &&
      isVersionOf(each.version, release) &&
      each.notes === release.notes &&
      isSameRequirement(each.requirement, release.range),
  )
}

/** What of the source's is there in another form, and is left as it is. */
export function differencesOf(planned: readonly PlannedRelease[]): string[] {
  return planned.flatMap(({ deployment, release, there }) => {
    if (!there) return []
    const name = nameOf(deployment, release)
    const { percentage } = release
    const notes: string[] = []
    if (there.percentage !== percentage && there.state === 'active') {
      notes.push(`${name} is for ${percentage} % at the source, and for ${there.percentage} % here`)
    }
    if (release.isDisabled && there.state === 'active') notes.push(`${name} is disabled at the source, and not here`)
    return notes
  })
}

/** What stands here under the label is something else: nothing of its deployment can be placed in its order. */
export function findConflicts(planned: readonly PlannedRelease[]): LeftOut[] {
  return planned.flatMap(({ deployment, release, there }) => {
    if (!there || isVersionOf(there.version, release)) return []
    const reason = `${there.version ?? 'embedded'} is v${release.labelNumber} on ${deployment.channel} here, and is something else`
    return [{ path: nameOf(deployment, release), reason }]
  })
}

export function nameOf({ app, name }: PlannedDeployment, { labelNumber }: CodePushRelease): string {
  return `${app.name} ${name} v${labelNumber}`
}

const KEY = /^(?!hpk_)[A-Za-z0-9._~-]{16,128}$/

/** What becomes of a deployment's key: undefined when it is there already. */
export function keyOf(
  { key, channel, platform }: PlannedDeployment,
  known: readonly ChannelKey[],
): 'take' | 'refuse' | undefined {
  const own = known.find((each) => each.key === key && each.revokedAt === null)
  if (own) return own.channel === channel && own.platform === platform ? undefined : 'refuse'
  return KEY.test(key) ? 'take' : 'refuse'
}
