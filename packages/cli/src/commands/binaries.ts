import { resolve } from 'node:path'
import { DEFAULT_CHANNEL, type BinaryContentFile, type Release, type Rollout } from '@hotpatch/api'
import type { Command } from 'commander'
import { given } from '../arguments/given.ts'
import {
  readArchitectures,
  readChannel,
  readNativeVersion,
  readNewVersion,
  readPercentage,
  readPlatform,
  readPlatforms,
  readSequence,
  readVersion,
} from '../arguments/readers.ts'
import {
  mandatoryBelowOption,
  mandatoryOption,
  pageQuery,
  serverCommand,
  withApp,
  withPage,
  withSigning,
  withYes,
  type PageOptions,
} from '../arguments/shared-options.ts'
import { buildOf, readNamedDelta } from '../installers/deltas.ts'
import type { ExpectedBytes } from '../installers/fetch-elsewhere.ts'
import { findInstallers } from '../installers/find-installers.ts'
import type { InstallerFile } from '../content/content-kind.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatBytes, formatList } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import {
  askedBinaries,
  installerElsewhere,
  installersAt,
  saidBy,
  type InstallerOptions,
} from '../release/asked-binaries.ts'
import { findImpact, impactLines } from '../release/change-impact.ts'
import { chooseRollout, describePlace, withRollout, type RolloutChoice } from '../release/choose-rollout.ts'
import { findNamedRelease, findOneRelease, ofOneRelease, type OneReleaseOptions } from '../release/find-release.ts'
import { readAccepted } from '../release/findings.ts'
import { noticeOutOfDateFeed } from '../release/out-of-date-feed.ts'
import { planAndPublish, type PublishOptions } from '../release/plan-and-publish.ts'
import { releaseFields } from '../release/release-fields.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { rolloutFields } from '../release/rollout-fields.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { openSession, type Session } from '../session/session.ts'
import { withFileSignatures } from '../signing/choose-file-signatures.ts'

interface PublishingOptions extends Omit<PublishOptions, 'version'>, InstallerOptions {
  downloadUrl?: string[]
  sha256?: string
  size?: string
  name?: string
  /** Each `VERSION=FILE`. */
  delta?: string[]
  /** False after `--no-fetch`. */
  fetch?: boolean
}

interface ListOptions extends OneReleaseOptions, PageOptions {
  app?: string
  channel?: string
}

/** What is said of a version that is switched off, and on again: the rollout's own words. */
const SWITCHES = {
  deactivate: { method: 'pauseRollout', meaning: 'nobody is offered it any more, and who has it keeps it' },
  activate: { method: 'resumeRollout', meaning: 'it is offered again' },
} as const

export function addBinaryCommands(program: Command, context: CliContext) {
  const binary = program.command('binary').description('whole apps: APK, IPA and installers')
  const parts = [withApp, withSigning, withFileSignatures, withYes, withAudience, withSchedule, withGuard]

  serverCommand(binary, 'publish', 'publishes files that a whole app is installed from', ...parts)
    .argument('[files...]', 'such as shop.apk; or a folder with what a build has left')
    .option('--download-url <address>', 'a file that lies elsewhere: it is fetched once, to see what it is', collect)
    .option('--sha256 <digest>', 'with --download-url: what its bytes have to be')
    .option('--size <bytes>', 'with --download-url: how many they have to be')
    .option('--name <name>', 'with --download-url: what people save it as; the end of the address when absent')
    .option('--no-fetch', 'with --download-url: take the word of --sha256 and --size')
    .option('--delta <version=file>', 'of Sparkle, from an older version, such as 1.0.0=App2-1.delta', collect)
    .option('--no-deltas', 'without the deltas to this version that generate_appcast left beside the files')
    .option('--version <version>', 'such as 1.2.0+45; what the build says when absent', readNewVersion)
    .option('--platform <platform>', 'as the names of the files say when absent', readPlatforms)
    .option('--architecture <name>', 'of all the files; as their names say when absent, or any')
    .option('--channel <channel>', 'production when absent', readChannel)
    .addOption(mandatoryOption())
    .addOption(mandatoryBelowOption())
    .option('--rollout <percent>', 'how many devices get it, 0 to 100; 100 when absent', readPercentage)
    .option('--min-os <version>', 'lowest version of the system that can run it', readNativeVersion)
    .option('--architectures <names>', 'processors that can run it, such as arm64,x64', readArchitectures)
    .option('--notes <text>', 'what is new')
    .option('--floor <sequence>', 'devices that have it never go below this sequence', readSequence)
    .option('--back-to <version>', 'what a guard that rolls back must go back to; signed in advance', readVersion)
    .option('--accept <words>', 'what would be refused of the files, and is meant', readAccepted)
    .option('--dry-run', 'show the plan and publish nothing')
    .action((files: string[], options: PublishingOptions) => publish(context, files, options))

  serverCommand(binary, 'list', 'lists whole apps, newest first', withApp, withPage)
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only those that were on this channel', readChannel)
    .action((options: ListOptions) => list(context, options))

  serverCommand(binary, 'show', 'shows one, with its files', withApp, ofOneRelease)
    .argument('<version>', 'such as 1.2.0')
    .action((version: string, options: OneReleaseOptions) => show(context, version, options))

  for (const verb of ['deactivate', 'activate'] as const) {
    serverCommand(binary, verb, SWITCHES[verb].meaning, withRollout, withYes).action(
      (named: string | undefined, options: RolloutChoice) => switchTo(context, verb, named, options),
    )
  }
}

const collect = (value: string, before: readonly string[] = []) => [...before, value]

async function publish(context: CliContext, paths: readonly string[], options: PublishingOptions) {
  const { downloadUrl: urls = [] } = options
  if (paths.length === 0 && urls.length === 0)
    throw new UsageError('Name the files, or say where they lie: --download-url.')
  if (urls.length > 1 && (options.sha256 ?? options.size ?? options.name) !== undefined) {
    throw new UsageError('--sha256, --size and --name are of one file: give one --download-url with them.')
  }
  const found = paths.length > 0 ? await findInstallers(paths, context.cwd) : undefined
  if (paths.length > 0 && !found) throw new UsageError(`There is nothing to install from in ${paths.join(', ')}.`)
  const session = await openSession(context, options)
  const files = await installersAt(found?.paths ?? [], options, found?.platforms)
  const expected = readExpected(options)
  for (const url of urls) files.push(await installerElsewhere(session, url, { ...options, expected }))
  files.push(...(await namedDeltas(session, options)))
  const asked = await askedBinaries(session, files, options, saidBy(found))
  await planAndPublish(session, { asked }, options)
  if (options.dryRun) return
  const { id } = await session.chooseApp()
  await noticeOutOfDateFeed(session, id, options.channel ?? DEFAULT_CHANNEL)
}

async function namedDeltas(session: Session, options: PublishingOptions): Promise<InstallerFile[]> {
  const { cwd } = session.context
  const found: InstallerFile[] = []
  for (const { from, path } of (options.delta ?? []).map(readNamedDelta)) {
    const [file] = await installersAt([resolve(cwd, path)], options)
    if (file?.format !== 'delta') throw new UsageError(`--delta: expected a file that ends in .delta, found ${path}.`)
    found.push({ ...file, deltaFrom: buildOf(from) ?? (await buildOfRelease(session, from)) })
  }
  return found
}

/** Of a version without a build, which its release may have all the same. */
async function buildOfRelease({ api, chooseApp }: Session, version: string): Promise<string> {
  const { versionCode } = await findNamedRelease(api, await chooseApp(), { version, platform: 'macos' })
  return versionCode === null ? version : String(versionCode)
}

function readExpected({ sha256, size, name, fetch = true }: PublishingOptions): ExpectedBytes {
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/i.test(sha256)) {
    throw new UsageError('--sha256: expected 64 hex digits.')
  }
  const sizeBytes = size === undefined ? undefined : Number(size)
  if (sizeBytes !== undefined && !(Number.isSafeInteger(sizeBytes) && sizeBytes > 0)) {
    throw new UsageError(`--size: expected how many bytes, found "${size}".`)
  }
  return { ...given({ sha256: sha256?.toLowerCase(), sizeBytes, name }), unseen: !fetch }
}

async function list(context: CliContext, options: ListOptions) {
  const { platform, channel } = options
  const { api, chooseApp, output } = await openSession(context, options)
  const app = await chooseApp()
  const page = await api.listReleases(app.id, {
    kind: 'binary',
    ...pageQuery(options),
    ...given({ platform, channel }),
  })
  const columns = ['version', 'versionCode', 'platform', 'channel', 'files', 'sizeBytes', 'createdAt', 'id'] as const
  const shown = page.items.map((release) => {
    const files = filesOf(release)
    const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    return { ...release, files: formatList(files.map(({ name }) => name)), sizeBytes }
  })
  output.page(page, columns, shown)
}

async function show(context: CliContext, version: string, options: OneReleaseOptions) {
  const session = await openSession(context, options)
  const { release } = await findOneRelease(session, version, options)
  const files = filesOf(release)
  session.output.result(release, () => {
    session.output.fields(releaseFields(release))
    session.output.table(['name', 'format', 'architecture', 'size', 'sha256', 'application'], files.map(rowOf))
  })
}

function filesOf({ content, version }: Release): readonly BinaryContentFile[] {
  if (content.kind === 'binary') return content.files
  throw new CommandError('release-not-found', `${version} is no whole app, but an ${content.kind}. See: releases show`)
}

function rowOf({ name, format, deltaFrom, architecture, sizeBytes, sha256, application }: BinaryContentFile) {
  const app = application && `${application.id} ${application.version}`
  return [
    name,
    deltaFrom === undefined ? format : `${format} from ${deltaFrom}`,
    architecture,
    formatBytes(sizeBytes),
    sha256,
    app ?? null,
  ]
}

async function switchTo(
  context: CliContext,
  verb: keyof typeof SWITCHES,
  named: string | undefined,
  options: RolloutChoice,
) {
  const { method, meaning } = SWITCHES[verb]
  const session = await openSession(context, options)
  const { api, confirm, output } = session
  session.requireConsent()
  const before = await chooseRollout(session, named, options)
  await requireWhole(session, before)
  const change = verb === 'deactivate' ? 'pause' : 'resume'
  const impact = await findImpact(api, before.appId, { change, rolloutId: before.id }, output)
  for (const [name, text] of Object.entries(impactLines(impact))) output.notice(`${name}: ${text}`)
  await confirm(`${verb} ${describePlace(before)}: ${meaning}?`)
  const rollout = await api[method](before.id)
  output.result({ ...rollout, impact: impact ?? null }, () => output.fields(rolloutFields(rollout)))
  await noticeOutOfDateFeed(session, rollout.appId, rollout.channel)
}

async function requireWhole({ api }: Awaited<ReturnType<typeof openSession>>, { releaseId }: Rollout): Promise<void> {
  if (releaseId !== null) filesOf(await api.getRelease(releaseId))
}
