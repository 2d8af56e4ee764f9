import { resolve } from 'node:path'
import { KIT_SEVERITIES, type Platform } from '@hotpatch/protocol'
import { Option, type Command } from 'commander'
import {
  readChannel,
  readNewVersion,
  readPercentage,
  readPlatform,
  readSequence,
  readVersion,
} from '../arguments/readers.ts'
import { mandatoryOption, serverCommand, withApp, withSigning, withYes } from '../arguments/shared-options.ts'
import { UsageError } from '../errors/errors.ts'
import { askedKit, type KitOptions } from '../kit-publishing/asked-kit.ts'
import { chooseKitSigner, signKit, withMinisignKey, type MinisignKeyOptions } from '../signing/kit-signer.ts'
import { tellKitsForSome } from '../signing/kits-for-some.ts'
import { kitInForce, kitOfRelease } from '../signing/verified-kit.ts'
import { writeBundle } from '../kit-publishing/write-bundle.ts'
import { formatBytes, formatCount } from '../output/text.ts'
import type { CliContext } from '../process/context.ts'
import { findNamedRelease } from '../release/find-release.ts'
import { readForced } from '../release/findings.ts'
import { planAndPublish, type PublishOptions } from '../release/plan-and-publish.ts'
import { withAudience } from '../release/rollout-audience.ts'
import { withGuard } from '../release/rollout-guard.ts'
import { withSchedule } from '../release/rollout-schedule.ts'
import { openSession, type Session, type SessionOptions } from '../session/session.ts'

type PublishingOptions = KitOptions & PublishOptions

interface ChosenKit extends SessionOptions {
  channel?: string
  releaseId?: string
}

interface BundleOptions extends ChosenKit {
  out: string
  platform?: Platform
  architecture?: string
  manifestOnly?: boolean
}

export function addKitPublishCommands(kit: Command, context: CliContext) {
  const parts = [withApp, withSigning, withMinisignKey, withYes, withAudience, withSchedule, withGuard]
  serverCommand(kit, 'publish', 'packs, signs and publishes what kit.release.json describes', ...parts)
    .argument('[file]', 'what describes the kit; kit.release.json or kit.release.toml of the project when absent')
    .option('--release-id <id>', 'in place of that in the file, such as 2026.06.02', readNewVersion)
    .option('--channel <channel>', 'in place of that in the file; stable when neither says it', readChannel)
    .addOption(new Option('--severity <word>', 'in place of that in the file').choices(KIT_SEVERITIES))
    .option('--notes <text>', 'what is new, in place of that in the file; it is signed')
    .addOption(mandatoryOption())
    .option('--rollout <percent>', 'how many installations get it, 0 to 100; 100 when absent', readPercentage)
    .option('--floor <sequence>', 'installations that have it never go below this sequence', readSequence)
    .option('--back-to <version>', 'what a guard that rolls back must go back to; signed in advance', readVersion)
    .option('--force <checks>', 'publish although these checks object, such as secret', readForced)
    .option('--dry-run', 'show the plan and publish nothing')
    .action((file: string | undefined, options: PublishingOptions) => publish(context, file, options))

  serverCommand(kit, 'sign', 'signs by minisign what was signed before, as after a roll-back', withApp, withYes, chosen)
    .requiredOption('--minisign-key <file>', 'the secret key; HOTPATCH_MINISIGN_PASSWORD has its password')
    .action((options: ChosenKit & MinisignKeyOptions) => sign(context, options))

  serverCommand(kit, 'bundle', 'writes a release into a folder, for machines without a network', withApp, chosen)
    .requiredOption('--out <folder>', 'where it is written')
    .option('--platform <platform>', 'only what machines of this platform take', readPlatform)
    .option('--architecture <name>', 'only what machines with this processor take, such as arm64')
    .option('--manifest-only', 'without the files, as an installer has it in itself')
    .action((options: BundleOptions) => bundle(context, options))
}

/** Which of the published kits is meant. */
function chosen(command: Command): Command {
  return command
    .option(
      '--channel <channel>',
      'what is in force on it for everyone; one for some alone has to be named',
      readChannel,
    )
    .option('--release-id <id>', 'as it was published, on whichever channel and for whomever', readVersion)
}

async function publish(context: CliContext, file: string | undefined, options: PublishingOptions) {
  const session = await openSession(context, options)
  await planAndPublish(session, await askedKit(session, file, options), options)
}

async function sign(context: CliContext, options: ChosenKit & MinisignKeyOptions) {
  const session = await openSession(context, options)
  session.requireConsent()
  const { app, kit } = await chooseKit(session, options)
  const signer = await chooseKitSigner(session, app, options)
  if (!signer) throw new UsageError('Say which key signs it: --minisign-key FILE')
  const { releaseId: version, sequence } = kit.manifest
  const release = await findNamedRelease(session.api, app, { version, platform: 'any' })
  await session.confirm(`Sign ${version}, sequence ${sequence}, with the minisign key ${signer.key.keyId}?`)
  const signatures = await signKit(session, { app, releaseId: release.id }, kit, signer)
  session.output.result({ signatures }, () => session.output.notice('Signed: it fits the bytes that are served.'))
}

async function bundle(context: CliContext, options: BundleOptions) {
  const session = await openSession(context, options)
  const { kit } = await chooseKit(session, options)
  const { platform, architecture, manifestOnly = false } = options
  const directory = resolve(context.cwd, options.out)
  const written = await writeBundle(session, kit, directory, { machine: { platform, architecture }, manifestOnly })
  const { releaseId, sequence, artifacts, sizeBytes } = written
  session.output.result(written, () => {
    const amount = `${formatCount(artifacts, 'file')}, ${formatBytes(sizeBytes)}`
    session.output.notice(`${releaseId}, sequence ${sequence}, with ${amount}, is in ${directory}.`)
  })
}

async function chooseKit(session: Session, { channel, releaseId }: ChosenKit) {
  if ((channel === undefined) === (releaseId === undefined)) {
    throw new UsageError('Say which kit: --channel stable, or --release-id 2026.06.02.')
  }
  const app = await session.chooseApp()
  if (releaseId === undefined) {
    const kit = await kitInForce(session, app, channel ?? '')
    const others = await tellKitsForSome(session, app, channel ?? '', kit.rolloutId)
    if (others !== undefined) session.output.notice(others)
    return { app, kit }
  }
  const release = await findNamedRelease(session.api, app, { version: releaseId, platform: 'any' })
  return { app, kit: await kitOfRelease(session, app, release) }
}
