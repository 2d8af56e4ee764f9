import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { App } from '@hotpatch/api'
import type { Command } from 'commander'
import {
  readChannel,
  readSequence,
  readNativeRange,
  readNativeVersion,
  readPercentage,
  readPlatform,
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
import { buildBundle } from '../bundle/build-bundle.ts'
import { listBundleFiles } from '../bundle/bundle-files.ts'
import { zipBundle, type ZippedBundle } from '../bundle/zip-bundle.ts'
import type { CliContext } from '../context.ts'
import { UsageError } from '../errors.ts'
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
import { findBundleSource, readWishes, type ReleaseOptions } from '../release/release-wishes.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { guardSettings, withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { openSession, type Session, type SessionOptions } from '../session.ts'
import { chooseKey, type SigningChoice } from '../signing/choose-key.ts'
import { prepareRollbacks } from '../signing/prepared-rollbacks.ts'
import { planSigning } from '../signing/signing-plan.ts'

type Options = SessionOptions & ReleaseOptions & KeyOptions & { dryRun?: boolean; backTo?: string }

export function addReleaseCommand(program: Command, context: CliContext) {
  const parts = [withApp, withSigning, withYes, withAudience, withSchedule, withGuard]
  serverCommand(program, 'release', 'bundles, signs and publishes', ...parts)
    .option('--platform <platform>', 'android, ios, …; the only one of hotpatch.json when absent', readPlatform)
    .requiredOption('--version <version>', 'such as 1.2.0', readVersion)
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
    .option('--dry-run', 'show the plan and publish nothing')
    .action((options: Options) => release(context, options))
}

async function release(context: CliContext, options: Options) {
  const session = await openSession(context, options)
  const wishes = readWishes(options, session.project)
  const source = findBundleSource(options, wishes.platform, session.project, context.cwd)
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  const signing = await chooseKey(session, app, options)
  if (wishes.floor > 0 && signing.kind === 'unsigned') {
    throw new UsageError('--floor is part of what is signed, and this release would not be.')
  }
  // Answered only to those who may publish for this platform: a no is welcome before minutes of bundling.
  await session.api.getNextSequence(app.id, wishes.platform)

  const temporary = await mkdtemp(join(context.env.TMPDIR || tmpdir(), 'hotpatch-'))
  try {
    const directory = source.kind === 'build' ? await buildBundle(context, source) : source.directory
    const files = await listBundleFiles(directory)
    const zip = await zipBundle(context, files, join(temporary, 'bundle.zip'))
    const reach = await findReach(session.api, app.id, {
      ...previewOf(wishes),
      ...(signing.kind === 'signed' && { keyId: signing.key.fingerprint }),
    })
    const { backTo, ...signed } = await planStatements(session, app, wishes, { zip, signing, options })
    const plan: ReleasePlan = { ...wishes, app, ...signed, reach, backTo, bundle: { directory, files, zip } }
    await carryOut(session, plan, options)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
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

async function carryOut(session: Session, plan: ReleasePlan, { dryRun }: Options) {
  const { output, confirm } = session
  output.notice(describePlan(plan))
  if (dryRun) return output.result(planJson(plan), () => output.notice('Nothing was published.'))
  await confirm(`Publish ${plan.version} for ${plan.platform}?`)
  const published = await publishRelease(session, plan)
  output.result(published, () => output.fields(published))
}
