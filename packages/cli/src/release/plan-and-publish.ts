import { realpath } from 'node:fs/promises'
import type { PublishedRelease } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { digestOfZip } from '../content/kinds.ts'
import { withTemporary } from '../content/temporary-folder.ts'
import type { CapgoKey } from '../encryption/capgo-key.ts'
import type { AnswerSigner } from '../expo-signing/choose-answer-key.ts'
import { requireOwnKeyId } from '../expo-signing/choose-answer-key.ts'
import { chooseKitSigner, type MinisignKeyOptions } from '../signing/kit-signer.ts'
import { completeAnswers } from '../expo-signing/release-answers.ts'
import { CommandError, UsageError } from '../errors/errors.ts'
import { formatList } from '../output/text.ts'
import type { Session, SessionOptions } from '../session/session.ts'
import { chooseKey } from '../signing/choose-key.ts'
import { chooseFileSignatures, type FileSignatureOptions } from '../signing/choose-file-signatures.ts'
import { chooseRsaKey, type RsaKeyOptions } from '../signing/choose-rsa-key.ts'
import type { RsaKey } from '../signing/rsa-key.ts'
import { keepSourceMaps } from '../symbolicate/keep-source-maps.ts'
import { planRelease, type AskedRelease, type PlannedRelease, type PlanningOptions } from './plan-release.ts'
import { publishRelease } from './publish-release.ts'
import { addExtras } from './release-extras.ts'
import { releaseFields } from './release-fields.ts'
import { describePlan, planJson, type ReleasePlan } from './release-plan.ts'
import type { SharedPlace } from './release-wishes.ts'
import { carryOutEach, planEach } from './several-platforms.ts'

export interface PublishOptions
  extends SessionOptions, PlanningOptions, RsaKeyOptions, FileSignatureOptions, MinisignKeyOptions {
  dryRun?: boolean
}

/** What is to be published, whatever it is: one release for each platform. */
export interface AskedReleases {
  asked: ReadonlyMap<Platform, AskedRelease>
  shared?: SharedPlace | undefined
  capgoKey?: CapgoKey | undefined
  codePushKey?: RsaKey | undefined
  answerSigner?: AnswerSigner | undefined
}

/** Plans all of it, shows it, asks once, and carries it out. */
export async function planAndPublish(
  session: Session,
  { asked, shared, capgoKey, codePushKey, answerSigner }: AskedReleases,
  options: PublishOptions,
): Promise<void> {
  const { context } = session
  if (!options.dryRun) session.requireConsent()
  const app = await session.chooseApp()
  const signing = await chooseKey(session, app, options)
  const rsaKey = await chooseRsaKey(session, app, options)
  const fileSignatures = await chooseFileSignatures(session, app, signedFilesOf(asked), options)
  if (answerSigner) await requireOwnKeyId(session, app, answerSigner)
  const kitSigner = await chooseKitSigner(session, app, options)
  const ownKeys = signing.kind === 'signed' ? [signing.key.publicKey] : []
  const signer = kitSigner && { ...kitSigner, ownKeys }
  const extras = { capgoKey, rsaKey, codePushKey, fileSignatures, kitSigner: signer }
  if ((options.floor ?? 0) > 0 && signing.kind === 'unsigned') {
    throw new UsageError('--floor is part of what is signed, and this release would not be.')
  }
  if (asked.get('any')?.input.kind === 'kit' && signing.kind === 'unsigned') {
    const message = `A kit is always signed, and this one would not be: ${signing.reason}.`
    throw new CommandError('signature-required', `${message} Make a key: ${context.programName} keys generate`)
  }
  await withTemporary(context, async (temporary) => {
    const planning = { signing, temporary, options, isOneOfSeveral: asked.size > 1, shared, extras, answerSigner }
    const planned = await planEach([...asked.keys()], (platform) =>
      planRelease(session, app, asked.get(platform) as AskedRelease, planning),
    )
    await carryOut(session, planned, options, async (each, { releaseId }) => {
      const { bundle, directory, answers } = each
      if (each.kind === 'already') await completeAnswers(session, app, bundle, answers)
      await addExtras(session, { app, release: { id: releaseId }, bundle }, extras, directory)
    })
  })
}

function signedFilesOf(asked: AskedReleases['asked']) {
  return [...asked.values()].flatMap(({ input, wishes: { version } }) =>
    input.kind === 'installers' ? [{ version, files: input.files }] : [],
  )
}

/** Everything is shown, then asked once. */
async function carryOut(
  session: Session,
  planned: PlannedRelease[],
  { dryRun }: PublishOptions,
  complete: (each: PlannedRelease, published: PublishedRelease) => Promise<void>,
) {
  const { output, confirm } = session
  for (const each of planned) output.notice(describe(each, planned.length > 1))
  const open = planned.flatMap((each) => (each.kind === 'planned' ? [each.plan] : []))
  if (dryRun) {
    const shown = planned.map((each) => (each.kind === 'planned' ? planJson(each.plan) : each.published))
    return output.result(resultOf(shown), () => output.notice('Nothing was published.'))
  }
  if (open.length > 0) await confirm(`Publish ${describeOpen(open)}?`)
  const published = await carryOutEach(session, planned, async (each) => {
    const done = await publish(session, each)
    await complete(each, done)
    return done
  })
  output.result(resultOf(published), () => {
    for (const each of published) output.fields(releaseFields(each))
  })
}

function describeOpen(plans: readonly ReleasePlan[]): string {
  const byVersion = [...Map.groupBy(plans, ({ version }) => version)]
  return formatList(
    byVersion.map(([version, each]) => `${version} for ${formatList(each.map(({ platform }) => platform))}`),
  )
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
  // Before: a release whose source maps are lost cannot be made again.
  const root = await realpath(session.project?.directory ?? session.context.cwd)
  const sha256 = digestOfZip(bundle)
  const mapped = sha256 === undefined ? undefined : { app: app.slug, platform, version, sha256, root }
  const kept = mapped && (await keepSourceMaps(sourceMaps, buildDirectory, mapped))
  const published = await publishRelease(session, plan)
  if (kept !== undefined)
    session.output.notice(`Its source maps are kept in ${kept}, for: ${session.context.programName} symbolicate`)
  return published
}
