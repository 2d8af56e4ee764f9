import { isDeepStrictEqual } from 'node:util'
import type { App, Impact, NewRollout, Release, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import type { ConsentOptions, RestatingOptions } from '../arguments/shared-options.ts'
import { answersJson, sendAnswers } from '../expo-signing/answers-plan.ts'
import type { AnswerKeyOptions } from '../expo-signing/choose-answer-key.ts'
import { findAnswerKey, planPlacementAnswers, type PlacementAnswers } from '../expo-signing/placement-answers.ts'
import type { Session } from '../session/session.ts'
import {
  describePromotion,
  placePromoted,
  planPromotion,
  promotionSigns,
  type PromotionSigning,
} from './plan-promotion.ts'
import { findImpact, takenBackLines } from './change-impact.ts'
import { placeLines } from './covered.ts'
import { audienceLines, readAudience, type AudienceOptions } from './rollout-audience.ts'
import { rehearsedRollout } from './rollout-fields.ts'
import { guardSettings, readGuard, type GuardOptions } from './rollout-guard.ts'
import { findReach, reachLines } from './rollout-reach.ts'
import { readSchedule, scheduleLines, type ScheduleOptions } from './rollout-schedule.ts'

/** `promote`'s options about where a release goes, and for whom. */
export interface PromotionOptions
  extends AnswerKeyOptions, ConsentOptions, RestatingOptions, ScheduleOptions, AudienceOptions, GuardOptions {
  version?: string
  to: string
  platform?: Platform[]
  rollout: number
  mandatory?: boolean
}

/** One release on its way to a channel: everything that will be done, before it is; or that it was done before. */
export type PreparedPromotion =
  | { kind: 'already'; platform: Platform; release: Release; rollout: Rollout }
  | ({ kind: 'planned' } & PlannedPromotion)

interface PlannedPromotion {
  app: App
  release: Release
  platform: Platform
  signing: PromotionSigning
  answers: PlacementAnswers
  /** Undefined when the server cannot say. */
  impact: Impact | undefined
  /** For a person who has to say yes or no. */
  lines: readonly string[]
}

/** The same for each platform. @throws UsageError */
export function readPromotion(options: PromotionOptions) {
  const schedule = readSchedule(options)
  return {
    options,
    schedule,
    audience: readAudience(options),
    guard: readGuard(options),
    /** With a plan: of its first step. */
    percentage: schedule.plan?.steps[0]?.percentage ?? options.rollout,
  }
}

export type Promotion = ReturnType<typeof readPromotion>

/** @throws CommandError when it cannot be stated again as it has to be */
export async function preparePromotion(
  session: Session,
  promotion: Promotion,
  release: Release,
  named: Platform | undefined,
): Promise<PreparedPromotion> {
  const { options, audience, schedule, guard, percentage } = promotion
  const { to: channel } = options
  const { appId, platform } = release
  const app = await session.getApp(appId)
  const already = await findSame(session, app, release, promotion)
  if (already) return { kind: 'already', platform, release, rollout: already }
  const target = { ...wantedOf(options, app, release, named), channel }
  const signing = await planPromotion(session, target, { guard: guard.guard, options })
  const key = signing.restates ? signing.plan?.key : undefined
  const placed = { releaseId: release.id, channel, percentage, ...audience }
  const reach = await findReach(session.api, appId, { platform, ...placed, ...given({ keyId: key?.fingerprint }) })
  const question = { change: 'promote', ...placed, ...given({ signedBy: key?.publicKey }) } as const
  const impact = await findImpact(session.api, appId, question, session.output)
  const signer = await findAnswerKey(session, app, options)
  const answers = await planPlacementAnswers(session, { app, platform, release }, signer)
  const isNarrowed = (audience.rules ?? []).length > 0
  const shown = {
    ...reachLines(reach),
    ...(await placeLines(session.api, release, { channel, percentage, isNarrowed })),
    ...takenBackLines(impact),
    ...audienceLines(audience),
    ...scheduleLines(schedule),
  }
  const texts = Object.entries(shown).map(([name, text]) => `${name}: ${text}`)
  const lines = [...texts, describePromotion(signing), ...answers.lines]
  return { kind: 'planned', app, release, platform, signing, answers, impact, lines }
}

/**
 * On top of the channel, in force or as wished paused, and for the same devices: as after an answer that got lost, or after another platform
 * failed. A plan may have widened it since.
 */
async function findSame(
  { api }: Session,
  app: App,
  release: Release,
  { options, audience, schedule, guard, percentage }: Promotion,
): Promise<Rollout | undefined> {
  const { items } = await api.listRollouts(app.id, { platform: release.platform, channel: options.to, limit: 1 })
  const [top] = items
  if (!top || top.releaseId !== release.id || top.state !== (schedule.paused ? 'paused' : 'active') || top.coveredBy)
    return undefined
  const { rules = [], devices = [], cohorts = [] } = audience
  const wantedGuard = guardSettings(app, guard.guard)
  const isSame =
    (schedule.plan ? top.percentage >= percentage : top.percentage === percentage) &&
    top.mandatory === (options.mandatory ?? false) &&
    (schedule.startsAt === undefined || Date.parse(top.startsAt ?? '') === Date.parse(schedule.startsAt)) &&
    isDeepStrictEqual([top.rules, top.devices, top.cohorts], [rules, devices, cohorts]) &&
    (top.guard?.isOn ?? false) === wantedGuard.isOn &&
    (!wantedGuard.isOn || top.guard?.action === wantedGuard.action)
  return isSame ? top : undefined
}

/**
 * What the release must turn out to be. An id means nothing to a person, and the server chooses what it stands for: what
 * is signed without a look at it has to be named.
 */
function wantedOf({ version, yes }: PromotionOptions, app: App, release: Release, platform: Platform | undefined) {
  const isNamed = version !== undefined && platform !== undefined
  return { app, platform: platform ?? release.platform, release, version, mustBeNamed: Boolean(yes) && !isNamed }
}

/** Of one that was done before, as it is. */
export async function promoteRelease(session: Session, promotion: Promotion, prepared: PreparedPromotion) {
  if (prepared.kind === 'already') return { ...prepared.rollout, signs: [], impact: null }
  const { app, signing, answers, impact } = prepared
  if (answers.plan) await sendAnswers(session, answers.plan)
  const body = bodyOf(promotion, prepared)
  const { rollout, signs } = await placePromoted(session, app, signing, async (signed, signs) => ({
    rollout: await session.api.createRollout(app.id, { ...body, ...signed }),
    signs,
  }))
  return { ...rollout, signs, ...codeSignedJson(answers), impact: impact ?? null }
}

function codeSignedJson({ plan }: PlacementAnswers) {
  return plan ? { codeSigned: answersJson(plan) } : {}
}

/** The server is asked to do it and to undo it again, so that what is refused is refused here, too. */
export async function rehearsePromotion(session: Session, promotion: Promotion, prepared: PreparedPromotion) {
  if (prepared.kind === 'already') return { dryRun: true, ...prepared.rollout, signs: [], impact: null }
  const { app, signing, answers, impact } = prepared
  const rollout = await session.api.createRollout(app.id, { ...bodyOf(promotion, prepared), dryRun: true })
  return { ...rehearsedRollout(rollout, promotionSigns(signing)), ...codeSignedJson(answers), impact: impact ?? null }
}

function bodyOf({ options, audience, schedule, guard }: Promotion, { release }: PlannedPromotion): NewRollout {
  return {
    releaseId: release.id,
    channel: options.to,
    mandatory: options.mandatory ?? false,
    ...(!schedule.plan && { percentage: options.rollout }),
    ...schedule,
    ...audience,
    ...guard,
  }
}
