import { randomBytes } from 'node:crypto'
import { isSameRequirement, Problem, problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import type { ReceivedContent } from '../../shipping/content/content-service.ts'
import { requirementOf } from './binary-range.ts'
import type { Deployment, DeploymentHistory, Deployments } from './deployments.ts'
import { isDisabled, isUnfinished, type HistoryEntry } from './describe.ts'
import type { PackageInfo } from './read-package-info.ts'

/** Two people who release at once mean the same label: whoever comes second takes the next. */
const MAX_ATTEMPTS = 10
/** What a version has room for. */
const MAX_VERSION_LENGTH = 50

/** Code Push §8: what CodePush's tools do with releases, by the rules that they know. Each says which rollout it is about. */
export function createReleasing({
  deployments: { historyOf },
  rollouts,
  publishing,
  publicUrl,
}: {
  deployments: Deployments
  rollouts: RolloutService
  publishing: Publishing
  publicUrl: PublicUrl
}) {
  async function release(
    request: FastifyRequest,
    deployment: Deployment,
    content: ReceivedContent,
    info: PackageInfo,
  ): Promise<string> {
    const { app, platform, channel } = deployment
    const requirement = requirementOf(info.appVersion ?? '*')
    const packageHash = content.facts.kind === 'archive' ? content.facts.packageHash : undefined
    const rest = { platform, channel, content: { kind: 'archive' as const }, ...requirement, ...told(info) }
    const taken: string[] = []
    for (let attempt = 1; ; attempt += 1) {
      const history = await historyOf(deployment)
      requireFinished(
        history.entries[0],
        'Please update the previous release to 100% rollout before releasing a new package.',
      )
      requireOther(history, { packageHash, requirement }, 'released')
      const version = versionOf(`v${history.newest + 1}`, deployment, taken)
      try {
        const wish = { ...rest, version }
        const { published } = await publishing.publish(app, wish, content, {}, authorOf(request), publicUrl(request))
        return published.rolloutId
      } catch (error) {
        const isTaken = error instanceof Problem && error.type === 'release-exists' && 'channels' in error.extensions
        if (!isTaken) throw error
        if (attempt === MAX_ATTEMPTS) {
          const detail = 'Others have released to this deployment at the same time. Please release again.'
          throw problem('release-exists', detail, {}, { cause: error })
        }
        taken.push(version)
      }
    }
  }

  async function promote(
    request: FastifyRequest,
    from: Deployment,
    to: Deployment,
    info: PackageInfo,
  ): Promise<string> {
    const source = (await historyOf(from)).entries.find((entry) =>
      info.label ? entry.label === info.label : !isDisabled(entry),
    )
    if (!source) {
      throw problem('release-not-found', 'Cannot promote from a deployment with no enabled releases.')
    }
    requireUnchanged(source, info)
    const target = await historyOf(to)
    requireFinished(target.entries[0], 'Cannot promote to an unfinished rollout release unless it is already disabled.')
    const requirement = requirementOf(source.appVersion)
    requireOther(target, { packageHash: source.package_hash, requirement }, 'promoted')
    const {
      mandatory = source.mandatory === 1,
      paused = isDisabled(source),
      ...wish
    } = told({ ...info, description: null })
    const input = { ...wish, releaseId: source.release_id, channel: to.channel, mandatory, paused }
    return (await rollouts.create(to.app, input, authorOf(request))).id
  }

  async function rollBack(request: FastifyRequest, deployment: Deployment, label: string | undefined): Promise<string> {
    const { entries, isEmbeddedOnTop } = await historyOf(deployment)
    const [newest, ...others] = entries
    const before = isEmbeddedOnTop ? entries : others
    const target = label ? entries.find((entry) => entry.label === label) : before.find((entry) => !isDisabled(entry))
    if (!newest || !target) {
      const which = label ? `release ${label}` : 'release before that is enabled'
      throw problem('release-not-found', `Cannot perform rollback because there is no ${which}.`)
    }
    if (isDisabled(target) && target !== newest) {
      const why =
        target.state === 'paused' ? 'is disabled: enable it first' : 'was taken back for good: release it anew'
      const detail = `Cannot perform rollback because ${target.label} ${why}, or name another.`
      throw problem('rollout-state', detail)
    }
    if (target.appVersion !== newest.appVersion) {
      const detail =
        'Cannot perform rollback to a different app version. Please perform a new release with the desired replacement package.'
      throw problem('rollout-state', detail)
    }
    if (target.release_id === newest.release_id && !isEmbeddedOnTop) {
      throw problem('rollout-state', `Cannot perform rollback because ${target.label} is what is released already.`)
    }
    const { app, platform, channel } = deployment
    const wish = { platform, channel, to: { releaseId: target.release_id }, mandatory: target.mandatory === 1 }
    return (await rollouts.rollBack(app, wish, authorOf(request))).id
  }

  /** Undefined: there was nothing to change. */
  async function patch(
    request: FastifyRequest,
    deployment: Deployment,
    info: PackageInfo,
  ): Promise<string | undefined> {
    const { entries } = await historyOf(deployment)
    const entry = info.label ? entries.find(({ label }) => label === info.label) : entries[0]
    if (!entry) throw problem('release-not-found', 'There is no such release in this deployment.')
    requireUnchanged(entry, info)
    const { percentage, mandatory } = told(info)
    if (percentage !== undefined && percentage !== entry.percentage) requireWider(entry, percentage)
    const changes = {
      ...(percentage !== undefined && percentage !== entry.percentage && { percentage }),
      ...(mandatory !== undefined && mandatory !== (entry.mandatory === 1) && { mandatory }),
    }
    const rollout = await rollouts.get(entry.rollout_id, request.actor)
    const isToSwitch =
      info.isDisabled !== undefined && info.isDisabled !== null && info.isDisabled !== isDisabled(entry)
    if (isToSwitch && !info.isDisabled && entry.state !== 'paused') {
      throw problem(
        'rollout-state',
        `Cannot enable ${entry.label}: it was taken back for good. Please release it anew.`,
      )
    }
    const transition = isToSwitch ? (info.isDisabled ? 'pause' : 'resume') : undefined
    if (Object.keys(changes).length > 0) await rollouts.change(rollout, changes, authorOf(request), transition)
    else if (transition) await rollouts.transition(rollout, transition, authorOf(request))
    else return undefined
    return rollout.id
  }

  return { release, promote, rollBack, patch }
}

/** Such as v3-staging-android, which of another channel or somebody's own naming may be there already. */
function versionOf(label: string, { channel, platform }: Deployment, taken: readonly string[]): string {
  const ending = (end: string) => `${label}-${channel}`.slice(0, MAX_VERSION_LENGTH - end.length) + end
  const version = ending(`-${platform}`)
  return taken.includes(version) ? ending(`-${platform}-${randomBytes(4).toString('hex')}`) : version
}

function told({ description, isDisabled, isMandatory, rollout }: PackageInfo) {
  return {
    ...(description && { notes: description }),
    ...(typeof isMandatory === 'boolean' && { mandatory: isMandatory }),
    ...(typeof isDisabled === 'boolean' && { paused: isDisabled }),
    ...(typeof rollout === 'number' && { percentage: rollout }),
  }
}

function requireFinished(newest: HistoryEntry | undefined, detail: string): void {
  if (isUnfinished(newest)) throw problem('rollout-state', detail)
}

/** The documented rule: of the newest release for the same binaries. What lies below embedded is none of them. */
function requireOther(
  { entries, isEmbeddedOnTop }: DeploymentHistory,
  wish: { packageHash: string | undefined; requirement: ReturnType<typeof requirementOf> },
  done: 'released' | 'promoted',
): void {
  if (isEmbeddedOnTop) return
  const last = entries.find((entry) => isSameRequirement(requirementOf(entry.appVersion), wish.requirement))
  if (last === undefined || last.package_hash !== wish.packageHash) return
  const where = done === 'released' ? 'the specified' : 'the targeted'
  const detail = `The uploaded package was not ${done} because it is identical to the contents of ${where} deployment's current release.`
  throw problem('release-exists', detail)
}

function requireWider({ percentage }: HistoryEntry, wished: number): void {
  if (percentage >= 100) throw problem('rollout-state', 'Cannot update rollout value for a completed rollout release.')
  if (wished < percentage) throw problem('rollout-state', `Rollout value must be greater than "${percentage}".`)
}

/** A release does not change here. */
function requireUnchanged({ appVersion, notes }: HistoryEntry, info: PackageInfo): void {
  const isSameRange = !info.appVersion || isSameRequirement(requirementOf(info.appVersion), requirementOf(appVersion))
  const isSameText = !info.description || info.description === notes
  if (isSameRange && isSameText) return
  const detail = 'A release keeps its description and the binaries that it is for: release it anew with others.'
  throw problem('release-exists', detail)
}
