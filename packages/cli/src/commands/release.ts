import { realpath } from 'node:fs/promises'
import type { PublishedRelease } from '@hotpatch/api'
import type { Command } from 'commander'
import {
  readArchitectures,
  readChannel,
  readEntry,
  readNativeRange,
  readNativeVersion,
  readNewVersion,
  readPercentage,
  readPlatforms,
  readSequence,
  readVersion,
} from '../arguments/readers.ts'
import { mandatoryOption, serverCommand, withApp, withSigning, withYes } from '../arguments/shared-options.ts'
import { recogniseContent } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { chooseCapgoKey, withCapgoKey, type CapgoKeyOptions } from '../encryption/choose-capgo-key.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import { readForced } from '../release/findings.ts'
import { planRelease, type AskedRelease, type PlannedRelease, type PlanningOptions } from '../release/plan-release.ts'
import { publishRelease } from '../release/publish-release.ts'
import { releaseFields } from '../release/release-fields.ts'
import { describePlan, planJson } from '../release/release-plan.ts'
import { addExtras } from '../release/release-extras.ts'
import {
  findContentInput,
  findPlace,
  findShared,
  readContentWish,
  readWishes,
  requireForSeveral,
} from '../release/release-wishes.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { carryOutEach, choosePlatforms, planEach, tellChosen } from '../release/several-platforms.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'
import { chooseKey } from '../signing/choose-key.ts'
import { chooseRsaKey, withRsaKey, type RsaKeyOptions } from '../signing/choose-rsa-key.ts'
import { keepSourceMaps } from '../symbolicate/keep-source-maps.ts'

interface Options extends SessionOptions, PlanningOptions, CapgoKeyOptions, RsaKeyOptions {
  dryRun?: boolean
}

export function addReleaseCommand(program: Command, context: CliContext) {
  const parts = [withApp, withSigning, withCapgoKey, withRsaKey, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'release', 'bundles, signs and publishes', ...parts)
    .alias('publish')
    .option(
      '--platform <platforms>',
      'android, ios, or several: android,ios; all of hotpatch.json when absent',
      readPlatforms,
    )
    .requiredOption('--version <version>', 'such as 1.2.0', readNewVersion)
    .option('--channel <channel>', 'production when absent', readChannel)
    .addOption(mandatoryOption())
    .option('--rollout <percent>', 'how many devices get it, 0 to 100; 100 when absent', readPercentage)
    .option('--entry-file <file>', 'index.js when absent')
    .option('--build-dir <folder>', 'where the bundler writes; ./build when absent')
    .option(
      '--bundle-dir <folder>',
      'publish this folder as it is, without running the bundler; {platform} stands for each',
    )
    .option('--bundle <zip>', 'publish this zip as it is; {platform} stands for each')
    .option('--entry <file>', 'what a web app starts with; index.html when absent', readEntry)
    .option('--hermes', "compile the bundle to bytecode with the app's own Hermes")
    .option('--min-native <version>', 'lowest version of the native app that can run it', readNativeVersion)
    .option('--native-range <range>', 'versions of the native app that can run it', readNativeRange)
    .option('--runtime-version <version>', 'exact runtime version or fingerprint of the native app')
    .option('--min-os <version>', 'lowest version of the system that can run it', readNativeVersion)
    .option('--architectures <names>', 'processors that can run it, such as arm64,x64', readArchitectures)
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
  const { asked, shared, capgoKey } = await readAsked(session, options)
  for (const { input, content } of asked.values()) {
    // What cannot be built is known before anybody is asked. What lies there ready may be wrong for several platforms.
    if (input.kind === 'project') await recogniseContent(input, content)
  }
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  const signing = await chooseKey(session, app, options)
  const extras = { capgoKey, rsaKey: await chooseRsaKey(session, app, options) }
  if ((options.floor ?? 0) > 0 && signing.kind === 'unsigned') {
    throw new UsageError('--floor is part of what is signed, and this release would not be.')
  }
  await withTemporary(context, async (temporary) => {
    const planning = { signing, temporary, options, isOneOfSeveral: asked.size > 1, shared, extras }
    const planned = await planEach([...asked.keys()], (platform) =>
      planRelease(session, app, asked.get(platform) as AskedRelease, planning),
    )
    await carryOut(session, planned, options, async (each, { releaseId }) => {
      const { bundle, directory } = each
      await addExtras(session, { app, release: { id: releaseId }, bundle }, extras, directory)
    })
  })
}

async function readAsked(session: Session, options: Options) {
  const { project } = session
  const platforms = choosePlatforms(options.platform, project)
  if (platforms.length > 1) requireForSeveral(options)
  const place = await findPlace(session)
  const asked = platforms.map((platform): AskedRelease => {
    return {
      wishes: readWishes(options, platform, project),
      content: readContentWish(options, platform, place),
      input: findContentInput(options, platform, place),
    }
  })
  if (options.anyNative && asked.some(({ wishes }) => Object.keys(wishes.requirement).length > 0)) {
    throw new UsageError('Give --any-native, or what it needs of the native app, not both.')
  }
  tellChosen(session, options.platform, platforms)
  return {
    asked: new Map(asked.map((each) => [each.wishes.platform, each])),
    shared: platforms.length > 1 ? findShared(options, project) : undefined,
    capgoKey: await chooseCapgoKey(options, place),
  }
}

/** Everything is shown, then asked once. */
async function carryOut(
  session: Session,
  planned: PlannedRelease[],
  { dryRun, version }: Options,
  complete: (each: PlannedRelease, published: PublishedRelease) => Promise<void>,
) {
  const { output, confirm } = session
  for (const each of planned) output.notice(describe(each, planned.length > 1))
  const open = planned.filter(({ kind }) => kind === 'planned').map(({ platform }) => platform)
  if (dryRun) {
    const shown = planned.map((each) => (each.kind === 'planned' ? planJson(each.plan) : each.published))
    return output.result(resultOf(shown), () => output.notice('Nothing was published.'))
  }
  if (open.length > 0) await confirm(`Publish ${version} for ${formatList(open)}?`)
  const published = await carryOutEach(session, planned, async (each) => {
    const done = await publish(session, each)
    await complete(each, done)
    return done
  })
  output.result(resultOf(published), () => {
    for (const each of published) output.fields(releaseFields(each))
  })
}

const resultOf = <T>(results: T[]) => (results.length === 1 ? results[0] : { releases: results })

function describe(planned: PlannedRelease, isOneOfSeveral: boolean): string {
  if (planned.kind === 'planned') {
    return describePlan(planned.plan, isOneOfSeveral ? `Plan for ${planned.platform}` : 'Plan')
  }
  // A publish whose answer got lost, or a script that runs again.
  const { version, platform, channel } = planned.published
  return `${version} for ${platform} is on ${channel} already, with these very bytes.`
}

async function publish(session: Session, planned: PlannedRelease): Promise<PublishedRelease> {
  if (planned.kind === 'already') return planned.published
  const { plan, sourceMaps, buildDirectory } = planned
  const { app, platform, version, bundle } = plan
  const { sha256 } = bundle
  // Before: a release whose source maps are lost cannot be made again.
  const root = await realpath(session.project?.directory ?? session.context.cwd)
  const mapped = { app: app.slug, platform, version, sha256, root }
  const kept = await keepSourceMaps(sourceMaps, buildDirectory, mapped)
  const published = await publishRelease(session, plan)
  if (kept !== undefined)
    session.output.notice(`Its source maps are kept in ${kept}, for: ${session.context.programName} symbolicate`)
  return published
}
