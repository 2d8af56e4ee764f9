import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { App, PublishedRelease } from '@hotpatch/api'
import type { Command } from 'commander'
import {
  readChannel,
  readSequence,
  readNativeRange,
  readNativeVersion,
  readPercentage,
  readPlatform,
  readNewVersion,
  readVersion,
} from '../arguments/readers.ts'
import {
  mandatoryOption,
  serverCommand,
  withApp,
  withSigning,
  withYes,
  type KeyOptions,
} from '../arguments/shared-options.ts'
import { keepSourceMaps } from '../bundle/source-maps.ts'
import type { ZippedBundle } from '../bundle/zip-bundle.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
import { readForced } from '../release/findings.ts'
import { prepareRelease } from '../release/prepare-release.ts'
import { publishRelease } from '../release/publish-release.ts'
import {
  describePlan,
  planJson,
  previewOf,
  statementOf,
  type ReleasePlan,
  type ReleaseWishes,
} from '../release/release-plan.ts'
import { findReach } from '../release/rollout-reach.ts'
import { findBundleSource, readWishes, type BundleSource, type ReleaseOptions } from '../release/release-wishes.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { guardSettings, withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { openSession, type Session, type SessionOptions } from '../session.ts'
import { chooseKey, type SigningChoice } from '../signing/choose-key.ts'
import { prepareRollbacks } from '../signing/prepared-rollbacks.ts'
import { planSigning } from '../signing/signing-plan.ts'

interface Options extends SessionOptions, ReleaseOptions, KeyOptions {
  dryRun?: boolean
  backTo?: string
  force?: string[]
  sourceMaps?: boolean
  anyNative?: boolean
}

export function addReleaseCommand(program: Command, context: CliContext) {
  const parts = [withApp, withSigning, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'release', 'bundles, signs and publishes', ...parts)
    .option('--platform <platform>', 'android, ios, …; the only one of hotpatch.json when absent', readPlatform)
    .requiredOption('--version <version>', 'such as 1.2.0', readNewVersion)
    .option('--channel <channel>', 'production when absent', readChannel)
    .addOption(mandatoryOption())
    .option('--rollout <percent>', 'how many devices get it, 0 to 100; 100 when absent', readPercentage)
    .option('--entry-file <file>', 'index.js when absent')
    .option('--build-dir <folder>', 'where the bundler writes; ./build when absent')
    .option('--bundle-dir <folder>', 'publish this folder as it is, without running the bundler')
    .option('--min-native <version>', 'lowest version of the native app that can run it', readNativeVersion)
    .option('--native-range <range>', 'versions of the native app that can run it', readNativeRange)
    .option('--runtime-version <version>', 'exact runtime version or fingerprint of the native app')
    .option('--notes <text>', 'what is new')
    .option('--floor <sequence>', 'devices that have it never go below this sequence', readSequence)
    .option('--back-to <version>', 'what a guard that rolls back must go back to; signed in advance', readVersion)
    .option('--any-native', 'for every version of the native app, also those to come')
    .option('--source-maps', 'publish source maps, too; they hold the sources')
    .option('--force <checks>', 'publish although these checks object, such as secret,entry-file', readForced)
    .option('--dry-run', 'show the plan and publish nothing')
    .action((options: Options) => release(context, options))
}

async function release(context: CliContext, options: Options) {
  const session = await openSession(context, options)
  const asked = readWishes(options, session.project)
  const source = findBundleSource(options, asked.platform, session.project, context.cwd)
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  const signing = await chooseKey(session, app, options)
  if (asked.floor > 0 && signing.kind === 'unsigned') {
    throw new UsageError('--floor is part of what is signed, and this release would not be.')
  }
  if (options.anyNative && Object.keys(asked.requirement).length > 0) {
    throw new UsageError('Give --any-native, or what it needs of the native app, not both.')
  }
  const temporary = await mkdtemp(join(context.env.TMPDIR || tmpdir(), 'hotpatch-'))
  try {
    const preparing = { source, signing, temporary, forced: options.force ?? [] }
    const prepared = await prepareRelease(session, app, asked, {
      ...preparing,
      withSourceMaps: options.sourceMaps ?? false,
      isForAnyNative: options.anyNative ?? false,
    })
    if (prepared.already) return tellAlready(session, prepared.already)
    const { wishes, bundle, requirementSource, findings, preflight } = prepared
    const reach = await findReach(session.api, app.id, {
      ...previewOf(wishes),
      ...(signing.kind === 'signed' && { keyId: signing.key.fingerprint }),
    })
    const { inForce } = preflight
    const { backTo, ...signed } = await planStatements(session, app, wishes, { zip: bundle.zip, signing, options })
    const plan: ReleasePlan = {
      ...wishes,
      app,
      ...signed,
      reach,
      backTo,
      bundle,
      requirementSource,
      inForce,
      findings,
    }
    await carryOut(session, plan, buildDirectoryOf(source, options, session), options)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** A publish whose answer got lost, or a script that runs again. */
function tellAlready({ output }: Session, published: PublishedRelease) {
  output.notice(
    `${published.version} for ${published.platform} is on ${published.channel} already, with these very bytes.`,
  )
  output.result(published, () => output.fields(published))
}

function buildDirectoryOf(source: BundleSource, { buildDir }: Options, { project, context }: Session): string {
  if (source.kind === 'build') return source.buildDirectory
  const defaultDirectory = resolve(project?.directory ?? context.cwd, project?.defaults.buildDir ?? 'build')
  return buildDir === undefined ? defaultDirectory : resolve(context.cwd, buildDir)
}

/** Everything that will be signed: the release, and what its guard may go back to. */
async function planStatements(
  session: Session,
  app: App,
  wishes: ReleaseWishes,
  { zip, signing, options }: { zip: ZippedBundle; signing: SigningChoice; options: Options },
): Promise<Pick<ReleasePlan, 'signing' | 'backTo' | 'signingWarnings'>> {
  const { platform, floor: newFloor } = wishes
  const target = await findGuardTarget(session, app, wishes)
  const backTo = target.release?.version ?? null
  if (signing.kind === 'unsigned') return { signing, backTo, signingWarnings: [] }
  const old = { app, platform, target }
  const prepared = await prepareRollbacks(session, old, signing.key, { backTo: options.backTo, newFloor })
  const contents = [statementOf(app, wishes, zip), ...prepared.contents]
  const plan = await planSigning(session, { app, platform }, signing.key, contents, options)
  const signedBackTo = prepared.contents[0]?.version ?? backTo
  return { signing: { ...signing, ...plan }, backTo: signedBackTo, signingWarnings: prepared.warnings }
}

/** What a guard that rolls back would go back to, as far as one can tell before it is published. */
async function findGuardTarget({ api }: Session, app: App, { guard, platform, channel }: ReleaseWishes) {
  const { isOn, action } = guardSettings(app, guard)
  if (!isOn || action !== 'roll-back') return { release: null, earlier: null }
  return api.getGuardTarget(app.id, { platform, channel })
}

async function carryOut(session: Session, plan: ReleasePlan, buildDirectory: string, { dryRun }: Options) {
  const { output, confirm } = session
  output.notice(describePlan(plan))
  if (dryRun) return output.result(planJson(plan), () => output.notice('Nothing was published.'))
  await confirm(`Publish ${plan.version} for ${plan.platform}?`)
  const { app, platform, version, bundle } = plan
  const { sha256 } = bundle.zip
  // Before: a release whose source maps are lost cannot be made again.
  const kept = await keepSourceMaps(bundle.sourceMaps, buildDirectory, { app: app.slug, platform, version, sha256 })
  const published = await publishRelease(session, plan)
  if (kept !== undefined) output.notice(`Its source maps are kept in ${kept}`)
  output.result(published, () => output.fields(published))
}
