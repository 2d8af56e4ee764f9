import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { App, PublishedRelease } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import type { KeyOptions } from '../arguments/shared-options.ts'
import type { ContentFile, ContentInput, ContentWish, StatedContent } from '../content/content-kind.ts'
import type { ReleaseBytes } from '../content/kinds.ts'
import type { AnswerSigner } from '../expo-signing/choose-answer-key.ts'
import { planReleaseAnswers, type ReleaseAnswers } from '../expo-signing/release-answers.ts'
import type { Session } from '../session/session.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import { prepareRollbacks } from '../signing/prepared-rollbacks.ts'
import { planSigning } from '../signing/signing-plan.ts'
import { fetchHermesBase } from '../hermes/fetch-hermes-base.ts'
import { findHermesBase as findBaseRelease, type HermesBaseWish } from './find-release.ts'
import { prepareRelease } from './prepare-release.ts'
import { statementOf, type ReleasePlan, type ReleaseWishes } from './release-plan.ts'
import { previewOf } from './release-preview.ts'
import type { ReleaseExtras } from './release-extras.ts'
import type { ReleaseOptions, SharedPlace } from './release-wishes.ts'
import { guardSettings } from './rollout-guard.ts'
import { findReach } from './rollout-reach.ts'

/** But for the version, which each release has of its own. */
export interface PlanningOptions extends Omit<ReleaseOptions, 'version'>, KeyOptions {
  backTo?: string
  force?: string[]
  anyNative?: boolean
}

export interface AskedRelease {
  wishes: ReleaseWishes
  content: ContentWish
  input: ContentInput
  /** What bytecode is compiled against. */
  hermesBase?: HermesBaseWish | undefined
}

/** Of one platform: what will be done, or that it was done before. */
export type PlannedRelease = {
  platform: Platform
  bundle: ReleaseBytes
  directory: string
  answers: ReleaseAnswers
} & (
  | { kind: 'already'; published: PublishedRelease }
  | { kind: 'planned'; plan: ReleasePlan; sourceMaps: readonly ContentFile[]; buildDirectory: string }
)

interface Planning {
  signing: SigningChoice
  temporary: string
  options: PlanningOptions
  isOneOfSeveral: boolean
  shared: SharedPlace | undefined
  extras: ReleaseExtras
  answerSigner: AnswerSigner | undefined
}

/** @throws CommandError with all that is wrong; nothing is signed and nothing is sent yet */
export async function planRelease(
  session: Session,
  app: App,
  { wishes: asked, content, input, hermesBase }: AskedRelease,
  { signing, temporary, options, isOneOfSeveral, shared, extras, answerSigner }: Planning,
): Promise<PlannedRelease> {
  const { platform } = asked
  const own = join(temporary, platform)
  await mkdir(own)
  const findHermesBase =
    hermesBase &&
    (async () => {
      const release = await findBaseRelease(session, app, hermesBase)
      if (!release) return undefined
      const directory = join(temporary, `${platform}-base`)
      await mkdir(directory)
      return fetchHermesBase(session, app, release, { signing, directory })
    })
  const prepared = await prepareRelease(session, app, asked, {
    input: input.kind === 'project' && findHermesBase ? { ...input, findHermesBase } : input,
    working: { wish: content, directory: own },
    signing,
    forced: options.force ?? [],
    isForAnyNative: options.anyNative ?? false,
    mayBeThere: isOneOfSeveral,
    shared,
  })
  const ofAnswers = { app, bundle: prepared.bundle, signer: answerSigner }
  const answers = await planReleaseAnswers(session, ofAnswers, prepared.wishes)
  const made = { platform, bundle: prepared.bundle, directory: own, answers }
  if (prepared.already) return { ...made, kind: 'already', published: prepared.already }
  const { wishes, bundle, sourceMaps, requirementSource, findings, preflight } = prepared
  const reach = await findReach(
    session.api,
    app.id,
    previewOf(wishes, { stated: bundle.stated, answers, signing }),
    session.output,
  )
  const { inForce, existing } = preflight
  const { backTo, ...signed } = await planStatements(session, app, wishes, { stated: bundle.stated, signing, options })
  const plan = {
    ...wishes,
    app,
    ...signed,
    reach,
    answers,
    extras,
    backTo,
    bundle,
    requirementSource,
    inForce,
    existing,
    findings,
  }
  return { ...made, kind: 'planned', plan, sourceMaps, buildDirectory: buildDirectoryOf(input, options, session) }
}

function buildDirectoryOf(
  input: ContentInput,
  { buildDir }: Pick<ReleaseOptions, 'buildDir'>,
  { project, context }: Session,
): string {
  if (input.kind === 'project') return input.buildDirectory
  const defaultDirectory = resolve(project?.directory ?? context.cwd, project?.defaults.buildDir ?? 'build')
  return buildDir === undefined ? defaultDirectory : resolve(context.cwd, buildDir)
}

/** Everything that will be signed: the release, and what its guard may go back to. */
async function planStatements(
  session: Session,
  app: App,
  wishes: ReleaseWishes,
  { stated, signing, options }: { stated: StatedContent; signing: SigningChoice; options: PlanningOptions },
): Promise<Pick<ReleasePlan, 'signing' | 'backTo' | 'signingWarnings'>> {
  const { platform, channel, floor: newFloor } = wishes
  const target = await findGuardTarget(session, app, wishes)
  const backTo = target.release?.version ?? null
  if (signing.kind === 'unsigned') return { signing, backTo, signingWarnings: [] }
  const old = { app, platform, channel, target }
  const prepared = await prepareRollbacks(session, old, signing.key, { backTo: options.backTo, newFloor })
  const contents = [statementOf(app, wishes, stated), ...prepared.contents]
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
