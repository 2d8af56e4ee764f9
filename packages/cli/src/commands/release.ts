import { stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import { given } from '../arguments/given.ts'
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
import {
  mandatoryBelowOption,
  mandatoryOption,
  serverCommand,
  withApp,
  withSigning,
  withYes,
} from '../arguments/shared-options.ts'
import {
  chooseAnswerKey,
  requireOwnKeyId,
  withAnswerKey,
  type AnswerKeyOptions,
  type AnswerSigner,
} from '../expo-signing/choose-answer-key.ts'
import { platformsOf, readExpoConfig, requireExpoPlatforms, runtimeVersionOf, versionOf } from '../expo/expo-config.ts'
import { findExpoProject, type ExpoProject } from '../expo/expo-project.ts'
import { exportExpo } from '../expo/export-expo.ts'
import { findCapacitorProject } from '../capacitor/capacitor-project.ts'
import { readJson } from '../installers/described-files.ts'
import { findInstallers } from '../installers/find-installers.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import { recogniseContent } from '../content/kinds.ts'
import { chooseCapgoKey, withCapgoKey, type CapgoKeyOptions } from '../encryption/choose-capgo-key.ts'
import { chooseRecipients, withRecipients, type RecipientOptions } from '../encryption/choose-recipients.ts'
import type { CliContext } from '../process/context.ts'
import { UsageError } from '../errors/errors.ts'
import { readAccepted, readForced } from '../release/findings.ts'
import { askedBinaries, installersAt, saidBy, type InstallerOptions } from '../release/asked-binaries.ts'
import { planAndPublish, type PublishOptions } from '../release/plan-and-publish.ts'
import type { AskedRelease } from '../release/plan-release.ts'
import {
  findContentInput,
  findPlace,
  findShared,
  readContentWish,
  readHermesBase,
  readWishes,
  requireForSeveral,
} from '../release/release-wishes.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { choosePlatforms, tellChosen } from '../release/several-platforms.ts'
import { openSession, type Session } from '../session/session.ts'
import { withFileSignatures } from '../signing/choose-file-signatures.ts'
import { withRsaKey } from '../signing/choose-rsa-key.ts'
import {
  chooseCodePushKey,
  signPackage as signFiles,
  withCodePushKey,
  type CodePushKeyOptions,
} from '../signing/package-signature.ts'

type Options = PublishOptions &
  RecipientOptions &
  CapgoKeyOptions &
  CodePushKeyOptions &
  AnswerKeyOptions & { version: string }

type PublishingOptions = Omit<Options, 'version'> &
  InstallerOptions & { kind?: 'archive' | 'files' | 'binary'; message?: string; branch?: string }

/** What differs from platform to platform. */
type OwnOptions = ReadonlyMap<Platform, Pick<Options, 'runtimeVersion'>>

export function addReleaseCommand(program: Command, context: CliContext) {
  const release = withReleaseOptions(program, 'release', 'bundles, signs and publishes')
  release
    .requiredOption('--version <version>', 'such as 1.2.0', readNewVersion)
    .action(async (options: Options) => publishPlaced(await openSession(context, options), options))

  const looks = 'looks at what is there, says what it is, and publishes it'
  const publish = withFileSignatures(withReleaseOptions(program, 'publish', looks))
  publish
    .argument('[paths...]', 'files and folders; the folder of the project when absent')
    .option('--version <version>', 'such as 1.2.0; of a whole app, what its build says when absent', readNewVersion)
    .addOption(new Option('--kind <kind>', 'what it is to be published as').choices(['archive', 'files', 'binary']))
    .option('--architecture <name>', 'of whole apps: which processor they are for; as their names say when absent')
    .option('--accept <words>', 'of whole apps: what would be refused of them, and is meant', readAccepted)
    .addOption(mandatoryBelowOption())
    .option('--message <text>', 'what is new: another name of --notes')
    .option('--branch <name>', 'another name of --channel', readChannel)
    .action((paths: string[], options: PublishingOptions) => publishFound(context, paths, options))
}

function withReleaseOptions(program: Command, name: string, description: string): Command {
  const parts = [
    withApp,
    withSigning,
    withAnswerKey,
    withRecipients,
    withCapgoKey,
    withRsaKey,
    withCodePushKey,
    withYes,
    withAudience,
    withSchedule,
    withGuard,
  ]
  return serverCommand(program, name, description, ...parts)
    .option(
      '--platform <platforms>',
      'android, ios, or several: android,ios; all of hotpatch.json when absent',
      readPlatforms,
    )
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
    .option(
      '--hermes-base [version]',
      'the same, against the bytecode of a release, that on the channel when none is named: smaller patches from it',
    )
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
}

/** Of what an app's own Expo has told. */
interface BundleExtras {
  own: OwnOptions
  signer: AnswerSigner | undefined
}

async function publishBundles(session: Session, options: Options, { own, signer: answerSigner }: BundleExtras) {
  const { asked, shared, capgoKey, codePushKey } = await readAsked(session, options, own)
  for (const { input, content } of asked.values()) {
    // What cannot be built is known before anybody is asked. What lies there ready may be wrong for several platforms.
    if (input.kind === 'project') await recogniseContent(input, content)
  }
  await planAndPublish(session, { asked, shared, capgoKey, codePushKey, answerSigner }, options)
}

/** What lies here, and what is built of a project that is none of Expo's. */
async function publishPlaced(session: Session, options: Options) {
  const mayBeExport = options.bundleDir !== undefined && options.as !== 'archive'
  const isAsked = mayBeExport || options.privateKeyPath !== undefined
  const signer = isAsked ? await chooseAnswerKey(session, options) : undefined
  await publishBundles(session, options, { own: new Map(), signer })
}

/** Says what it found before anything else, so that a no comes at the right time. */
async function publishFound(context: CliContext, paths: readonly string[], options: PublishingOptions) {
  const { kind, ...others } = readOtherNames(options)
  const installers =
    kind === 'archive' || kind === 'files'
      ? undefined
      : await findInstallers(paths.length > 0 ? paths : ['.'], context.cwd)
  const tell = (found: readonly string[]) => found.map((path) => relative(context.cwd, path) || path).join(', ')
  if (kind === 'binary' && !installers) {
    const where = paths.join(', ') || context.cwd
    throw new UsageError(`Expected files that apps are installed from in ${where}, found none. Name them.`)
  }
  // A zip is a bundle, unless somebody says otherwise, or the build that made it.
  const isZip = (path: string) => path.endsWith('.zip') && !installers?.platforms?.has(path)
  const found = installers?.paths ?? []
  const isBundle = kind === undefined && found.length > 0 && found.every(isZip)
  const session = await openSession(context, options)
  const isOther = kind === undefined && paths.length === 0 && (await isBundleProject(session))
  if (installers && isOther && installers.paths.length > 0) {
    session.output.notice(`Found ${tell(installers.paths)}, too, by ${installers.by}. A whole app: --kind binary.`)
  }
  if (installers && !isBundle && !isOther) {
    const { by, leftOut = [], platforms } = installers
    const remark = leftOut.length === 0 ? '' : ` Left out, as not for users: ${tell(leftOut)}.`
    if (found.length === 0) {
      throw new UsageError(`Found ${by}, and nothing that it was built into: build the app first.${remark}`)
    }
    if (others.codePushKey !== undefined)
      throw new UsageError('--code-push-key signs bundles, and this is a whole app.')
    session.output.notice(`Found ${tell(found)}, by ${by}: a whole app. Otherwise: --kind archive.${remark}`)
    const asked = await askedBinaries(session, await installersAt(found, others, platforms), others, saidBy(installers))
    return planAndPublish(session, { asked }, others)
  }
  const expo = kind === 'archive' || paths.length > 0 ? undefined : await findExported(session, others)
  if (expo) return publishExpo(session, expo, others)
  const { version } = others
  if (version === undefined) throw new UsageError('Say which version it is: --version 1.2.0.')
  const as = kind === 'files' || kind === 'archive' ? { as: kind } : {}
  return publishPlaced(session, { ...others, ...as, version, ...(await placeOfBundle(paths, context.cwd)) })
}

/** By which other tools know them. */
function readOtherNames({ message, branch, ...options }: PublishingOptions): PublishingOptions {
  if (message !== undefined && options.notes !== undefined) {
    throw new UsageError('--message is another name of --notes: give one of them.')
  }
  if (branch !== undefined && options.channel !== undefined) {
    throw new UsageError('--branch is another name of --channel: give one of them.')
  }
  return { ...options, ...given({ notes: options.notes ?? message, channel: options.channel ?? branch }) }
}

/** What such a project is published for is its bundle; that it was built into an app, too, is usual. */
async function isBundleProject({ project, context }: Session): Promise<boolean> {
  if (project?.defaults.bundleDir !== undefined || project?.defaults.entryFile !== undefined) return true
  const directory = project?.directory ?? context.cwd
  if (await findCapacitorProject(context.cwd, directory)) return true
  if (await findExpoProject(context.cwd, directory)) return true
  const { dependencies } = (await readJson(join(directory, 'package.json'))) ?? {}
  return typeof dependencies === 'object' && dependencies !== null && 'react-native' in dependencies
}

/** An app that its own Expo exports: unless somebody says what is to be published, or how it is built. */
async function findExported(
  { project, context }: Session,
  options: PublishingOptions,
): Promise<ExpoProject | undefined> {
  const { bundle, bundleDir, entryFile, buildDir, hermes, hermesBase } = options
  const said = [bundle, bundleDir, entryFile, buildDir, hermes, hermesBase, project?.defaults.bundleDir]
  if (said.some((each) => each !== undefined)) return undefined
  return findExpoProject(context.cwd, project?.directory ?? context.cwd)
}

async function publishExpo(session: Session, expo: ExpoProject, options: PublishingOptions) {
  const { context, output, project } = session
  const found = relative(context.cwd, expo.configPath)
  output.notice(`Found ${found}: an Expo app, which is exported by its own Expo. Otherwise: --kind archive.`)
  if (!options.dryRun) session.requireConsent()
  const signer = await chooseAnswerKey(session, options, expo)
  if (signer) await requireOwnKeyId(session, await session.chooseApp(), signer)
  const config = await readExpoConfig(context, expo)
  const platforms = requireExpoPlatforms(
    choosePlatforms(options.platform ?? project?.platforms ?? platformsOf(config), project),
  )
  const version = options.version ?? versionOf(config, expo, context.now())
  const isSaid = options.anyNative || (options.runtimeVersion ?? project?.defaults.runtimeVersion) !== undefined
  const own: [Platform, { runtimeVersion: string }][] = []
  for (const platform of isSaid ? [] : platforms) {
    own.push([platform, { runtimeVersion: await runtimeVersionOf(config, platform, { context, project: expo }) }])
  }
  await withTemporary(context, async (within) => {
    const bundleDir = await exportExpo(context, expo, { platforms, config, within })
    await publishBundles(
      session,
      { ...options, platform: platforms, version, bundleDir, as: 'files' },
      { own: new Map(own), signer },
    )
  })
}

async function placeOfBundle(paths: readonly string[], cwd: string): Promise<Pick<Options, 'bundle' | 'bundleDir'>> {
  const [path, another] = paths
  if (path === undefined) return {}
  if (another !== undefined) throw new UsageError('A bundle is one folder or one zip: name one.')
  const found = await stat(resolve(cwd, path)).catch(() => undefined)
  return found?.isDirectory() ? { bundleDir: path } : { bundle: path }
}

/** Who takes a release by another protocol than HotPatch's own has no key for it. */
function requireEncryptable(platforms: readonly Platform[], isForOthers: boolean): void {
  if (platforms.includes('web')) throw new UsageError('No client on web decrypts releases: --no-encrypt.')
  if (isForOthers) {
    const expected =
      'What is encrypted is for clients of HotPatch alone, and keys for plugins of others sign or encrypt for those'
    throw new UsageError(`${expected}: leave them out, or publish it as it is with --no-encrypt.`)
  }
}

async function readAsked(session: Session, options: Options, own: OwnOptions) {
  const { project } = session
  const platforms = choosePlatforms(options.platform, project)
  if (platforms.length > 1) requireForSeveral(options)
  const place = await findPlace(session)
  const codePushKey = await chooseCodePushKey(options, session.context.cwd)
  const signPackage = codePushKey && ((list: string) => signFiles(codePushKey, list))
  const encryptFor = await chooseRecipients(session, options)
  const capgoKey = await chooseCapgoKey(options, place)
  const isForOthers =
    capgoKey !== undefined || codePushKey !== undefined || (options.rsaKey ?? project?.defaults.rsaKey) !== undefined
  if (encryptFor) requireEncryptable(platforms, isForOthers)
  const asked = platforms.map((platform): AskedRelease => {
    const wishes = readWishes({ ...options, ...own.get(platform) }, platform, project)
    return {
      wishes,
      hermesBase: readHermesBase(options, wishes),
      content: { ...readContentWish(options, platform, place), signPackage, encryptFor },
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
    capgoKey,
    codePushKey,
  }
}
