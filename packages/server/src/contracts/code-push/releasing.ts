import { isSameRequirement, problem } from '@hotpatch/protocol'
import type { FastifyRequest } from 'fastify'
import type { PublicUrl } from '../../ground/http/public-url.ts'
import { authorOf } from '../../people/authors/author.ts'
import type { Publishing } from '../../rolling-out/publishing/publishing-service.ts'
import type { RolloutService } from '../../rolling-out/rollouts/rollout-service.ts'
import type { ReceivedContent } from '../../shipping/content/content-service.ts'
import { requirementOf } from './binary-range.ts'
import type { Deployment, Deployments } from './deployments.ts'
import { isDisabled, isUnfinished, type HistoryEntry } from './describe.ts'
import type { PackageInfo } from './read-package-info.ts'

/** Code Push §8: what CodePush's tools do with releases, by the rules that they know. */
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
  ): Promise<void> {
    const { app, platform, channel } = deployment
    const appVersion = info.appVersion ?? '*'
    const requirement = requirementOf(appVersion)
    const { count, entries } = await historyOf(deployment)
    requireFinished(entries[0], 'Please update the previous release to 100% rollout before releasing a new package.')
    const packageHash = content.facts.kind === 'archive' ? content.facts.packageHash : undefined
    requireOther(entries, { packageHash, requirement }, 'released')
    const { published } = await publishing.publish(
      app,
      {
        version: `v${count + 1}-${channel}-${platform}`.slice(0, 50),
        platform,
        channel,
        content: { kind: 'archive' },
        ...requirement,
        ...told(info),
      },
      content,
      {},
      authorOf(request),
      publicUrl(request),
    )
    if (info.isDisabled) await pause(request, published.rolloutId)
  }

  async function promote(request: FastifyRequest, from: Deployment, to: Deployment, info: PackageInfo): Promise<void> {
    const source = (await historyOf(from)).entries.find((entry) =>
      info.label ? entry.label === info.label : !isDisabled(entry),
    )
    if (!source) {
      throw problem('release-not-found', 'Cannot promote from a deployment with no enabled releases.')
    }
    requireUnchanged(source, info)
    const { entries } = await historyOf(to)
    requireFinished(entries[0], 'Cannot promote to an unfinished rollout release unless it is already disabled.')
    const requirement = requirementOf(source.appVersion)
    requireOther(entries, { packageHash: source.package_hash, requirement }, 'promoted')
    const { percentage, mandatory = source.mandatory === 1 } = told(info)
    const wish = { releaseId: source.release_id, channel: to.channel, mandatory }
    const input = percentage === undefined ? wish : { ...wish, percentage }
    const { id } = await rollouts.create(to.app, input, authorOf(request))
    if (info.isDisabled) await pause(request, id)
  }

  async function rollBack(request: FastifyRequest, deployment: Deployment, label: string | undefined): Promise<void> {
    const { entries } = await historyOf(deployment)
    const [newest, previous] = entries
    const target = label ? entries.find((entry) => entry.label === label) : previous
    if (!newest || !target) {
      throw problem('release-not-found', `Cannot perform rollback because there is no release ${label ?? 'before'}.`)
    }
    if (target.appVersion !== newest.appVersion) {
      const detail =
        'Cannot perform rollback to a different app version. Please perform a new release with the desired replacement package.'
      throw problem('rollout-state', detail)
    }
    if (target.release_id === newest.release_id) {
      throw problem('rollout-state', `Cannot perform rollback because ${target.label} is what is released already.`)
    }
    const { app, platform, channel } = deployment
    await rollouts.rollBack(app, { platform, channel, to: { releaseId: target.release_id } }, authorOf(request))
  }

  /** @returns whether anything changed */
  async function patch(request: FastifyRequest, deployment: Deployment, info: PackageInfo): Promise<boolean> {
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
    const transition = isToSwitch ? (info.isDisabled ? 'pause' : 'resume') : undefined
    if (Object.keys(changes).length > 0) await rollouts.change(rollout, changes, authorOf(request), transition)
    else if (transition) await rollouts.transition(rollout, transition, authorOf(request))
    else return false
    return true
  }

  async function pause(request: FastifyRequest, rolloutId: string): Promise<void> {
    await rollouts.transition(await rollouts.get(rolloutId, request.actor), 'pause', authorOf(request))
  }

  return { release, promote, rollBack, patch }
}

function told({ description, isMandatory, rollout }: PackageInfo) {
  return {
    ...(description && { notes: description }),
    ...(typeof isMandatory === 'boolean' && { mandatory: isMandatory }),
    ...(typeof rollout === 'number' && { percentage: rollout }),
  }
}

function requireFinished(newest: HistoryEntry | undefined, detail: string): void {
  if (isUnfinished(newest)) throw problem('rollout-state', detail)
}

/** The documented rule: of the newest release for the same binaries. */
function requireOther(
  entries: readonly HistoryEntry[],
  wish: { packageHash: string | undefined; requirement: ReturnType<typeof requirementOf> },
  done: 'released' | 'promoted',
): void {
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
