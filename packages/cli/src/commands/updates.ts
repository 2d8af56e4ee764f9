import type { Page, Release, ReleaseFile } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { Command } from 'commander'
import { placeOf, timesOf, withInsightTimes, type InsightOptions } from '../arguments/insight-options.ts'
import { readChannel, readPlatform, readRollbackTarget } from '../arguments/readers.ts'
import { pageQuery, serverCommand, withApp, withPage, type PageOptions } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { formatNumber } from '../output/figures.ts'
import { formatBytes } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findBefore, listChannelsOf } from '../release/find-release.ts'
import { releaseFields } from '../release/release-fields.ts'
import { readRollbackGuard, rollBack, withRollingBack, type RollingBackOptions } from '../release/roll-back.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { addEmbeddedUpdateCommands } from './embedded-updates.ts'
import { addLoginCommand } from './login.ts'
import { listReleases, withReleaseFilter, type ReleaseListOptions } from './releases.ts'
import { showHealth } from './stats-views.ts'

type ViewOptions = SessionOptions & PageOptions

interface UpdateRollbackOptions extends RollingBackOptions {
  platform?: Platform
  channel?: string
  to?: string
}

/** Releases, roll-backs, figures and login by the words of asset updates: an update is a release. */
export function addUpdateCommands(program: Command, context: CliContext) {
  const updates = program.command('updates').description('updates, which are releases, by the words of asset updates')

  serverCommand(updates, 'list', 'lists updates, newest first', withApp, withPage, withReleaseFilter).action(
    (options: ReleaseListOptions) => listReleases(context, options),
  )

  serverCommand(updates, 'view', 'shows one update and its files', withApp, withPage)
    .argument('<update-id>')
    .action((id: string, options: ViewOptions) => viewUpdate(context, id, options))

  serverCommand(updates, 'rollback', 'goes back from an update', withApp, withRollingBack)
    .argument('<update-id>')
    .option('--platform <platform>', 'for which it is: named with --yes when it is signed', readPlatform)
    .option('--channel <channel>', 'where, when the update is on several', readChannel)
    .option(
      '--to <target>',
      'to this version, or to "embedded"; when absent, to what lies below it; named with --yes when it is signed',
      readRollbackTarget,
    )
    .action((id: string, options: UpdateRollbackOptions) => rollBackUpdate(context, id, options))

  serverCommand(
    updates,
    'stats',
    'shows downloads, active devices, and how updates do',
    withApp,
    withInsightTimes,
  ).action((options: InsightOptions) => showUpdateStats(context, options))

  addEmbeddedUpdateCommands(updates, context)
  addLoginCommand(updates, 'configure', context)
}

async function viewUpdate(context: CliContext, id: string, options: ViewOptions) {
  const { api, output, getApp } = await openSession(context, options)
  const release = await api.getRelease(id)
  // Of another app than was meant, it says so.
  if (options.app !== undefined) await getApp(release.appId)
  const files = release.content.kind === 'files' ? await api.listReleaseFiles(id, pageQuery(options)) : undefined
  output.result({ ...release, files: files ?? null }, () => {
    output.fields(releaseFields(release))
    if (!files) return
    output.line('')
    showFiles({ output }, files)
  })
}

function showFiles({ output }: Pick<Session, 'output'>, { items, nextCursor }: Page<ReleaseFile>) {
  output.table(
    ['path', 'size', 'type', 'SHA-256'],
    items.map(({ path, sizeBytes, contentType, sha256 }) => [path, formatBytes(sizeBytes), contentType, sha256]),
  )
  if (nextCursor !== null) output.notice(`There are more files: --cursor ${nextCursor}`)
}

async function rollBackUpdate(context: CliContext, id: string, options: UpdateRollbackOptions) {
  if (options.to !== undefined) readRollbackGuard(options.to, options)
  const session = await openSession(context, options)
  if (!options.dryRun) session.requireConsent()
  const release = await session.api.getRelease(id)
  const app = await session.getApp(release.appId)
  const { platform } = release
  if (options.platform !== undefined && options.platform !== platform) {
    throw new UsageError(`Expected an update for ${options.platform}, found ${release.version} for ${platform}.`)
  }
  const channel = await chooseChannel(session, release, options.channel)
  const target = options.to ?? (await findBefore(session.api, release, { channel, now: context.now() }))
  session.output.notice(`From ${release.version} on ${channel} for ${platform}, back to ${target}.`)
  const isNamed = options.to !== undefined && options.platform !== undefined
  await rollBack(session, { app, platform, channel, target, isNamed }, options)
}

async function chooseChannel({ api }: Session, release: Release, named: string | undefined): Promise<string> {
  const channels = await listChannelsOf(api, release)
  const [only, ...others] = channels
  if (named !== undefined && channels.includes(named)) return named
  if (named === undefined && only !== undefined && others.length === 0) return only
  const found = named === undefined ? 'none' : named
  throw new UsageError(`Expected --channel with one of ${channels.join(', ')}, where it is, found ${found}.`)
}

async function showUpdateStats(context: CliContext, options: InsightOptions) {
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const [times, place] = [timesOf(options), placeOf(options)]
  const [overview, downloads, health] = await Promise.all([
    api.getOverview(app.id, times),
    api.getDownloads(app.id, { ...times, ...place }),
    api.getReleaseHealth(app.id, { ...times, ...place }),
  ])
  const { active } = overview
  output.result({ active, downloads, health }, () => {
    output.fields({
      'active devices': (['day', 'week', 'month'] as const)
        .map((period) => `${formatNumber(active[period].devices)} in the last ${period}`)
        .join(', '),
      downloads: `${formatNumber(downloads.downloads)}, ${formatBytes(downloads.sentBytes)}`,
    })
    output.line('')
    showHealth(output, health)
  })
}
