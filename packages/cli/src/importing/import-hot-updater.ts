import { resolve } from 'node:path'
import type { App, Rollout, SigningKey } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { isChannel } from '../arguments/readers.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { UsageError, Verdict } from '../errors/errors.ts'
import { formatCount, formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { fetchArchive } from './hot-updater-archive.ts'
import { isSigned, type HotUpdaterBundle } from './hot-updater-history.ts'
import { openHotUpdaterExport, openHotUpdaterServer, type HotUpdaterSource } from './hot-updater-source.ts'
import { leftOutBy, tellLeftOut, type LeftOut } from './left-out.ts'
import { listAllRollouts } from './placed.ts'
import { publishArchive } from './send-archive.ts'
import { findSourceToken, type SourceTokenOptions } from './source-token.ts'
import { findTarget, makeChannels, makeTarget, missingChannels, type TargetApp } from './target-app.ts'

export interface ImportHotUpdaterOptions extends SessionOptions, SourceTokenOptions {
  from: string
  storage?: string
  channel?: ReadonlyMap<string, string>
  unverified?: boolean
  leaveOut?: boolean
  dryRun?: boolean
}

/** A bundle, and what is there of it. */
interface PlannedBundle {
  bundle: HotUpdaterBundle
  channel: string
  there: Rollout | undefined
  /** It is there without those that the source has. */
  lacksSignatures: boolean
}

interface ImportPlan {
  target: TargetApp
  bundles: readonly PlannedBundle[]
  channels: readonly string[]
  leftOut: LeftOut[]
}

/** Shows what will be done, asks once, and publishes what is not there yet, oldest first. */
export async function importHotUpdater(context: CliContext, options: ImportHotUpdaterOptions) {
  const session = await openSession(context, options)
  if (!options.dryRun) session.requireConsent()
  const { output } = session
  const source = await openSource(context, options)
  const plan = await planImport(session, source, options)
  tellPlan(session, plan)
  if (options.dryRun) return output.result(planJson(plan), () => output.notice('Nothing was changed.'))
  const open = plan.bundles.filter(isOpen)
  if (open.length > 0 || !plan.target.app) {
    await session.confirm(`Import ${formatCount(open.length, 'bundle')} into ${plan.target.slug}?`)
  }
  const app = await makeTarget(session, plan.target)
  await makeChannels(session, app, plan.channels)
  const { imported, leftOut, isWhole } = await carryOut(session, app, source, { plan, options, open })
  // Until then devices are refused, and keep what they have.
  if (!plan.target.app && isWhole) await session.api.changeApp(app.id, { checkAccess: 'open' })
  const already = plan.bundles.length - open.length
  output.result({ app: app.slug, imported, already, leftOut }, () =>
    output.fields({ imported: imported.length, 'there already': already, 'left out': leftOut.length }),
  )
  if (!isWhole) throw new Verdict(1)
}

async function openSource(context: CliContext, options: ImportHotUpdaterOptions): Promise<HotUpdaterSource> {
  const { from, storage } = options
  if (!/^https?:\/\//.test(from)) return openHotUpdaterExport(context, resolve(context.cwd, from))
  const token = await findSourceToken(context, options, false)
  return openHotUpdaterServer(context, from, {
    token,
    storage: storage === undefined ? undefined : resolve(context.cwd, storage),
  })
}

async function planImport(
  session: Session,
  source: HotUpdaterSource,
  options: ImportHotUpdaterOptions,
): Promise<ImportPlan> {
  const { bundles, unreadable } = await source.readHistory()
  const known = [...new Set(bundles.map(({ channel }) => channel))]
  const unknown = [...(options.channel?.keys() ?? [])].filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new UsageError(`--channel: there is no channel ${formatList(unknown)}, but ${formatList(known)}.`)
  }
  const platforms = [...new Set(bundles.map(({ platform }): Platform => platform))].toSorted()
  const hasNamed = bundles.some(({ cohorts }) => cohorts.length > 0)
  const target = await findTarget(session, options, platforms, {
    // The very devices that are in a share at the source.
    bucketing: 'original',
    ...(hasNamed && { deviceCohorts: 'allowed' as const }),
  })
  const rollouts = target.app ? await listAllRollouts(session.api, target.app) : []
  const placed: PlannedBundle[] = []
  for (const bundle of bundles) {
    const channel = options.channel?.get(bundle.channel) ?? bundle.channel
    const there = findThere(rollouts, bundle, channel)
    placed.push({ bundle, channel, there, lacksSignatures: await findUnsigned(session, { bundle, there }) })
  }
  const objections = new Map(placed.map((each) => [each, objectionTo(each, rollouts)]))
  const leftOut = [...unreadable]
  for (const [{ bundle }, reason] of objections) if (reason !== undefined) leftOut.push({ path: bundle.id, reason })
  const planned = placed.filter((each) => objections.get(each) === undefined)
  const channels = await missingChannels(
    session,
    target.app,
    planned.map(({ channel }) => channel),
  )
  return { target, bundles: planned, channels, leftOut }
}

function findThere(rollouts: readonly Rollout[], { id, platform }: HotUpdaterBundle, channel: string) {
  return rollouts.find((each) => each.version === id && each.platform === platform && each.channel === channel)
}

/** Why it can be placed nowhere. */
function objectionTo({ bundle, channel, there }: PlannedBundle, rollouts: readonly Rollout[]): string | undefined {
  if (!isChannel(channel)) {
    return `no channel here can be called "${channel}". Another: --channel "${channel}=production"`
  }
  if (there) return undefined
  // What has a lower id comes first at the source, whenever it was put on the channel.
  const above = rollouts.find(
    ({ version, platform, channel: on }) =>
      on === channel && platform === bundle.platform && version !== null && version > bundle.id,
  )
  return above && `${above.version}, which is newer, is on ${channel} already`
}

/** Not there, or there and neither halted nor signed yet: an import before was broken off in between. */
function isOpen({ bundle, there, lacksSignatures }: PlannedBundle): boolean {
  return there === undefined || (there.state === 'paused' && (!bundle.isEnabled || lacksSignatures))
}

/** Of what is paused here, which somebody may have done, too. */
async function findUnsigned({ api }: Session, { bundle, there }: Pick<PlannedBundle, 'bundle' | 'there'>) {
  if (!isSigned(bundle) || there?.state !== 'paused' || there.releaseId === null) return false
  return ((await api.getRelease(there.releaseId)).signatures ?? []).length === 0
}

async function carryOut(
  session: Session,
  app: App,
  source: HotUpdaterSource,
  { plan, options, open }: { plan: ImportPlan; options: ImportHotUpdaterOptions; open: readonly PlannedBundle[] },
) {
  const keys = (await session.api.listKeys(app.id, 'rsa')).items.filter(({ revokedAt }) => revokedAt === null)
  const imported: { id: string; channel: string; platform: Platform; rolloutId: string }[] = []
  const leftOut = [...plan.leftOut]
  const stopped = new Set<string>()
  const placeOf = ({ bundle, channel }: PlannedBundle) => `${channel} for ${bundle.platform}`
  for (const [index, each] of open.entries()) {
    if (stopped.has(placeOf(each))) continue
    const { bundle, channel } = each
    try {
      const unverified = options.unverified ?? false
      const rolloutId = await importOne(session, app, source, each, { keys, unverified })
      imported.push({ id: bundle.id, channel, platform: bundle.platform, rolloutId })
      session.output.notice(`${bundle.id} for ${bundle.platform} is on ${channel}: ${index + 1} of ${open.length}.`)
    } catch (error) {
      const found = leftOutBy(error, bundle.id)
      leftOut.push(found)
      tellLeftOut(session, [found])
      if (!options.leaveOut) stopped.add(placeOf(each))
    }
  }
  for (const place of stopped) {
    session.output.notice(`! ${place} is not whole: what comes after it waits. Without it: --leave-out`)
  }
  const isWhole = options.leaveOut || (stopped.size === 0 && plan.leftOut.length === 0)
  return { imported, leftOut, isWhole }
}

/**
 * A disabled one is paused from the beginning, so that nobody gets it in between, and then halted: as at the source. One
 * that is signed is paused until its signatures are there: clients with a key refuse it before.
 */
async function importOne(
  session: Session,
  app: App,
  source: HotUpdaterSource,
  planned: PlannedBundle,
  { keys, unverified }: { keys: readonly SigningKey[]; unverified: boolean },
): Promise<string> {
  const { api, context } = session
  const { bundle, there } = planned
  if (there && !bundle.isEnabled) return (await api.haltRollout(there.id)).id
  const rolloutId = await withTemporary(context, async (temporary) => {
    const { zip, signatures } = await fetchArchive(context, source, bundle, { temporary, keys, unverified })
    const placed = there
      ? { rolloutId: there.id, releaseId: there.releaseId ?? '' }
      : await publishArchive(session, app, zip, metadataOf(planned))
    if (signatures) await api.addSignatures(app.id, placed.releaseId, signatures)
    return placed.rolloutId
  })
  if (!bundle.isEnabled) await api.haltRollout(rolloutId)
  else if (isSigned(bundle)) await api.resumeRollout(rolloutId)
  return rolloutId
}

function metadataOf({ bundle, channel }: PlannedBundle) {
  const { id, platform, percentage, isEnabled, isForced: mandatory, cohorts, notes, requirement } = bundle
  return {
    version: id,
    platform,
    channel,
    mandatory,
    percentage,
    ...(cohorts.length > 0 && { cohorts: [...cohorts] }),
    ...((!isEnabled || isSigned(bundle)) && { paused: true }),
    ...(notes !== '' && { notes }),
    ...requirement,
  }
}

function tellPlan(session: Session, { target, bundles, channels, leftOut }: ImportPlan) {
  const { output, context } = session
  const { programName } = context
  if (!target.app) output.notice(`The app ${target.slug} is made, for ${target.make.platforms?.join(' and ')}.`)
  for (const channel of channels) output.notice(`The channel ${channel} is made.`)
  for (const planned of bundles) output.notice(`${describeBundle(planned)}.`)
  tellLeftOut(session, leftOut)
  for (const difference of bundles.flatMap(differencesOf)) output.notice(`! ${difference}.`)
  if (target.app && target.app.bucketing !== 'original' && bundles.some(({ bundle }) => bundle.percentage < 100)) {
    output.notice(`! ${target.slug} draws shares by a rule of its own: other devices are in them than at the source.`)
  }
  if (target.app && target.app.checkAccess !== 'open') {
    const advice = `${programName} apps set ${target.slug} --check-access open`
    output.notice(`! ${target.slug} wants a key with every check. Clients that send none: ${advice}`)
  }
  if (bundles.length === 0) output.notice('There is no bundle to import.')
}

function describeBundle({ bundle, channel, there }: PlannedBundle): string {
  const { id, platform, requirement, percentage, cohorts, isForced, isEnabled } = bundle
  const facts = [
    `${id} for ${platform} onto ${channel}`,
    `binaries ${Object.values(requirement).join(' ')}`,
    ...(percentage < 100 ? [`${percentage} %`] : []),
    ...(cohorts.length > 0 ? [`cohorts ${formatList(cohorts)}`] : []),
    ...(isForced ? ['mandatory'] : []),
    ...(isEnabled ? [] : ['halted, as it is disabled there']),
    ...(there ? ['there already'] : []),
  ]
  return facts.join(', ')
}

/** What of the source's is not here, or is in another form and left as it is. */
function differencesOf({ bundle, there, lacksSignatures }: PlannedBundle): string[] {
  const { id, percentage, isEnabled, numericCohorts } = bundle
  const notes: string[] = []
  if (!there && numericCohorts.length > 0 && percentage < 100) {
    const which = formatList(numericCohorts.slice(0, 10))
    notes.push(`${id} is for the numbered cohorts ${which} besides, which no rollout here can name`)
  }
  if (there?.state === 'active' && there.percentage !== percentage) {
    notes.push(`${id} is for ${percentage} % at the source, and for ${there.percentage} % here: it is left as it is`)
  }
  if (there?.state === 'active' && !isEnabled) {
    notes.push(`${id} is disabled at the source, and not here: it is left as it is`)
  }
  if (there?.state === 'paused' && isEnabled && !lacksSignatures) {
    notes.push(`${id} is paused here, and in force at the source: it is left as it is`)
  }
  return notes
}

function planJson({ target, bundles, channels, leftOut }: ImportPlan) {
  return {
    app: target.slug,
    isNew: target.app === undefined,
    channels,
    bundles: bundles.map(({ bundle, channel, there }) => ({
      id: bundle.id,
      platform: bundle.platform,
      channel,
      requirement: bundle.requirement,
      percentage: bundle.percentage,
      cohorts: bundle.cohorts,
      mandatory: bundle.isForced,
      enabled: bundle.isEnabled,
      isThere: there !== undefined,
    })),
    leftOut,
  }
}
