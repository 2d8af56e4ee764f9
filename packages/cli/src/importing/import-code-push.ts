import { join, resolve } from 'node:path'
import { createHash } from 'node:crypto'
import type { App, Release } from '@hotpatch/api'
import { writePackageFiles, type Platform } from '@hotpatch/protocol'
import { unpackZip } from '../content/archive/unpack-zip.ts'
import type { MeasuredFile } from '../content/archive/write-measured.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { CommandError, Verdict } from '../errors/errors.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import {
  chooseApps,
  differencesOf,
  findConflicts,
  findSame,
  isVersionOf,
  keyOf,
  nameOf,
  orderReleases,
  placeDeployments,
  requireApart,
  versionOf,
  type PlannedDeployment,
  type PlannedRelease,
} from './code-push-plan.ts'
import type { CodePushRelease } from './code-push-history.ts'
import { openCodePushExport, openCodePushServer, type CodePushSource } from './code-push-source.ts'
import { leftOutBy, tellLeftOut, type LeftOut } from './left-out.ts'
import { listAllReleases, listAllRollouts } from './placed.ts'
import { publishArchive } from './send-archive.ts'
import { findSourceToken, type SourceTokenOptions } from './source-token.ts'
import { findTarget, makeChannels, makeTarget, missingChannels, type TargetApp } from './target-app.ts'

export interface ImportCodePushOptions extends SessionOptions, SourceTokenOptions {
  from: string
  sourceApp?: ReadonlyMap<string, Platform | undefined>
  deployment?: ReadonlyMap<string, string>
  /** Although its bytes are not what the source says. */
  unverified?: boolean
  /** What cannot be imported is left out, and its deployment goes on without it. */
  leaveOut?: boolean
  dryRun?: boolean
}

interface ImportPlan {
  target: TargetApp
  deployments: readonly PlannedDeployment[]
  releases: readonly PlannedRelease[]
  channels: readonly string[]
  keys: readonly { deployment: PlannedDeployment; fate: 'take' | 'refuse' }[]
  leftOut: LeftOut[]
  people: readonly string[]
}

/** What is done so far. */
interface Progress {
  imported: { release: string; label: string; channel: string; platform: Platform; rolloutId: string }[]
  leftOut: LeftOut[]
  /** Deployments of which something is missing: nothing comes on top of it, and no device is let in. */
  stopped: Set<PlannedDeployment>
  releases: Release[]
}

/** Shows what will be done, asks once, and releases what is not there yet, oldest first. */
export async function importCodePush(context: CliContext, options: ImportCodePushOptions) {
  const session = await openSession(context, options)
  if (!options.dryRun) session.requireConsent()
  const { output } = session
  const source = await openSource(context, options)
  const plan = await planImport(session, source, options)
  tellPlan(session, plan)
  if (options.dryRun) return output.result(planJson(plan), () => output.notice('Nothing was changed.'))
  const open = plan.releases.filter(isOpen)
  if (open.length > 0 || plan.keys.some(({ fate }) => fate === 'take') || !plan.target.app) {
    await session.confirm(`Import ${formatCount(open.length, 'release')} into ${plan.target.slug}?`)
  }
  const app = await makeTarget(session, plan.target)
  await makeChannels(session, app, plan.channels)
  const done = await carryOut(session, app, source, { plan, options, open })
  const keys = await takeKeys(session, app, plan, done)
  const already = plan.releases.length - open.length
  output.result({ app: app.slug, imported: done.imported, already, keys, leftOut: done.leftOut }, () =>
    output.fields({
      imported: done.imported.length,
      'there already': already,
      keys: keys.length,
      'left out': done.leftOut.length,
    }),
  )
  if (done.stopped.size > 0) throw new Verdict(1)
}

async function openSource(context: CliContext, options: ImportCodePushOptions): Promise<CodePushSource> {
  if (!/^https?:\/\//.test(options.from)) return openCodePushExport(context, resolve(context.cwd, options.from))
  const token = await findSourceToken(context, options, true)
  return openCodePushServer(context, options.from, token ?? '')
}

async function planImport(
  session: Session,
  source: CodePushSource,
  options: ImportCodePushOptions,
): Promise<ImportPlan> {
  const apps = await source.listApps()
  const chosen = chooseApps(
    apps.map(({ name }) => name),
    options.sourceApp ?? new Map(),
  )
  const deployments: PlannedDeployment[] = []
  for (const app of chosen) {
    deployments.push(...placeDeployments(app, await source.listDeployments(app.name), options.deployment ?? new Map()))
  }
  requireApart(deployments)
  const platforms = [...new Set(chosen.map(({ platform }) => platform))]
  // Drawn as at the source: a phone that is in a share there is in it here.
  const target = await findTarget(session, options, platforms, { bucketing: 'original' })
  const { app } = target
  const releases = orderReleases(deployments, app ? await listAllRollouts(session.api, app) : [])
  const known = app ? (await session.api.listChannelKeys(app.id)).items : []
  const unreadable = deployments.flatMap((deployment) =>
    deployment.unreadable.map(({ label, reason }) => ({
      path: `${deployment.app.name} ${deployment.name} ${label}`,
      reason,
    })),
  )
  return {
    target,
    deployments,
    releases,
    channels: await missingChannels(
      session,
      app,
      deployments.map(({ channel }) => channel),
    ),
    keys: deployments.flatMap((deployment) => {
      const fate = keyOf(deployment, known)
      return fate === undefined ? [] : [{ deployment, fate }]
    }),
    leftOut: [...unreadable, ...findConflicts(releases)],
    people: [...new Set(apps.flatMap(({ collaborators }) => collaborators))],
  }
}

/** Not there, or there and not halted yet: an import before was broken off in between. */
function isOpen({ there, release }: PlannedRelease): boolean {
  return there === undefined || isUnfinished(there, release)
}

function isUnfinished(there: PlannedRelease['there'], release: CodePushRelease): boolean {
  return there?.state === 'paused' && release.isDisabled && isVersionOf(there.version, release)
}

async function carryOut(
  session: Session,
  app: App,
  source: CodePushSource,
  { plan, options, open }: { plan: ImportPlan; options: ImportCodePushOptions; open: readonly PlannedRelease[] },
): Promise<Progress> {
  const releases = await listAllReleases(session.api, app)
  const done: Progress = { imported: [], leftOut: [...plan.leftOut], stopped: new Set(), releases }
  const isLeftOut = (deployment: PlannedDeployment) =>
    plan.leftOut.some(({ path }) => path.startsWith(`${deployment.app.name} ${deployment.name} `))
  if (!options.leaveOut) for (const each of plan.deployments) if (isLeftOut(each)) done.stopped.add(each)
  for (const [index, each] of open.entries()) {
    if (done.stopped.has(each.deployment)) continue
    const name = nameOf(each.deployment, each.release)
    try {
      const rolloutId = await importOne(session, app, source, each, { done, unverified: options.unverified ?? false })
      const { channel, platform } = each.deployment
      done.imported.push({ release: name, label: `v${each.release.labelNumber}`, channel, platform, rolloutId })
      session.output.notice(`${name} is on ${channel}: ${index + 1} of ${open.length}.`)
    } catch (error) {
      const leftOut = leftOutBy(error, name)
      done.leftOut.push(leftOut)
      tellLeftOut(session, [leftOut])
      if (!options.leaveOut) done.stopped.add(each.deployment)
    }
  }
  for (const { app: of, name } of done.stopped) {
    const advice = 'What comes after it waits, and devices with its key are not let in. Without it: --leave-out'
    session.output.notice(`! ${of.name} ${name} is not whole. ${advice}`)
  }
  return done
}

/** A disabled one is paused from the beginning, so that nobody gets it in between, and then halted: as at the source. */
async function importOne(
  session: Session,
  app: App,
  source: CodePushSource,
  planned: PlannedRelease,
  { done, unverified }: { done: Progress; unverified: boolean },
): Promise<string> {
  const { release, there } = planned
  const rolloutId = there?.id ?? (await placeOne(session, app, source, planned, { done, unverified }))
  if (release.isDisabled) await session.api.haltRollout(rolloutId)
  return rolloutId
}

async function placeOne(
  session: Session,
  app: App,
  source: CodePushSource,
  planned: PlannedRelease,
  { done, unverified }: { done: Progress; unverified: boolean },
): Promise<string> {
  const { deployment, release } = planned
  const { channel, platform } = deployment
  const { labelNumber, percentage, isMandatory: mandatory, isDisabled } = release
  const placement = { channel, labelNumber, percentage, mandatory, ...(isDisabled && { paused: true }) }
  const same = findSame(done.releases, planned)
  if (same) return (await session.api.createRollout(app.id, { releaseId: same.id, ...placement })).id
  const published = await withTemporary(session.context, async (temporary) => {
    const zip = await fetchVerified(session, source, release, { temporary, unverified })
    const notes = release.notes === '' ? {} : { notes: release.notes }
    const version = versionOf(planned)
    return publishArchive(session, app, zip, { version, platform, ...placement, ...notes, ...release.range })
  })
  done.releases.push(await session.api.getRelease(published.releaseId))
  return published.rolloutId
}

/** @throws CommandError package-differs */
async function fetchVerified(
  { context }: Session,
  source: CodePushSource,
  release: CodePushRelease,
  { temporary, unverified }: { temporary: string; unverified: boolean },
): Promise<MeasuredFile> {
  const path = join(temporary, 'fetched.zip')
  await source.fetchPackage(release, path)
  const { zip } = await unpackZip(context, path, temporary)
  const found = createHash('sha256').update(writePackageFiles(zip.unpacked)).digest('hex')
  if (found === release.packageHash || unverified) return zip
  const expected = `expected a package with the hash ${release.packageHash}, as the source says, found ${found}`
  throw new CommandError('package-differs', `${expected}; --unverified takes it all the same`)
}

/** Last of all: devices that come with a key find all that there is. */
async function takeKeys(session: Session, app: App, { keys }: ImportPlan, { stopped }: Progress): Promise<string[]> {
  const taken: string[] = []
  for (const { deployment, fate } of keys) {
    const { channel, platform, name, key } = deployment
    if (fate === 'refuse' || stopped.has(deployment)) continue
    await session.api.createChannelKey(app.id, { channel, platform, name: name.slice(0, 100), key })
    taken.push(`${channel} ${platform}`)
  }
  return taken
}

function tellPlan(session: Session, plan: ImportPlan) {
  const { output, context } = session
  const { target, deployments, releases, channels, keys, leftOut, people } = plan
  if (!target.app) output.notice(`The app ${target.slug} is made, for ${target.make.platforms?.join(' and ')}.`)
  for (const channel of channels) output.notice(`The channel ${channel} is made.`)
  for (const planned of releases) output.notice(`${describeRelease(planned)}.`)
  for (const { deployment, fate } of keys) {
    const { app, name, channel, platform } = deployment
    output.notice(
      fate === 'take'
        ? `The key of ${app.name} ${name} is taken over, for ${channel} on ${platform}.`
        : `! The key of ${app.name} ${name} cannot be taken over: it is in use, or no key here has that form. Another: ${context.programName} channels keys create ${channel} --platform ${platform}`,
    )
  }
  tellLeftOut(session, leftOut)
  const isPartial = releases.some(({ release, there }) => !there && release.percentage < 100)
  if (isPartial && target.make.bucketing !== (target.app?.bucketing ?? 'original')) {
    output.notice(`! ${target.slug} draws shares by a rule of its own: other phones are in them than at the source.`)
  }
  for (const difference of differencesOf(releases)) output.notice(`! ${difference}: it is left as it is.`)
  if (people.length > 0) {
    output.notice(
      `Not imported: ${formatCount(people.length, 'collaborator')}, ${people.join(', ')} (${context.programName} tokens create), and figures.`,
    )
  }
  if (releases.length === 0 && deployments.length > 0) output.notice('There is no release to import.')
}

function describeRelease({ deployment, release, there }: PlannedRelease): string {
  const { range, percentage, isDisabled, isMandatory, sizeBytes } = release
  const binaries = Object.values(range).join(' ') || 'all'
  const facts = [
    `${nameOf(deployment, release)} onto ${deployment.channel} for ${deployment.platform}`,
    `binaries ${binaries}`,
    formatBytes(sizeBytes),
    ...(percentage < 100 ? [`${percentage} %`] : []),
    ...(isMandatory ? ['mandatory'] : []),
    ...(isDisabled ? ['halted, as it is disabled there'] : []),
    ...(there ? ['there already'] : []),
  ]
  return facts.join(', ')
}

function planJson({ target, releases, channels, keys, leftOut, people }: ImportPlan) {
  return {
    app: target.slug,
    isNew: target.app === undefined,
    channels,
    releases: releases.map(({ deployment, release, there }) => ({
      release: nameOf(deployment, release),
      channel: deployment.channel,
      platform: deployment.platform,
      label: `v${release.labelNumber}`,
      packageHash: release.packageHash,
      requirement: release.range,
      percentage: release.percentage,
      mandatory: release.isMandatory,
      disabled: release.isDisabled,
      isThere: there !== undefined,
    })),
    keys: keys.map(({ deployment: { channel, platform }, fate }) => ({ channel, platform, isTaken: fate === 'take' })),
    leftOut,
    people,
  }
}
