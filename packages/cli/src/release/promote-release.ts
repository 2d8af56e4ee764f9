import type { App, Impact, NewRollout, Release, Rollout } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import type { ConsentOptions, RestatingOptions } from '../arguments/shared-options.ts'
import type { Session } from '../session.ts'
import { describePromotion, placePromoted, planPromotion, type PromotionSigning } from '../signing/plan-promotion.ts'
import { findImpact, takenBackLines } from './change-impact.ts'
import { placeLines } from './covered.ts'
import { audienceLines, readAudience, type AudienceOptions } from './rollout-audience.ts'
import { readGuard, type GuardOptions } from './rollout-guard.ts'
import { findReach, reachLines } from './rollout-reach.ts'
import { readSchedule, scheduleLines, type ScheduleOptions } from './rollout-schedule.ts'

/** `promote`'s options about where a release goes, and for whom. */
export interface PromotionOptions
  extends ConsentOptions, RestatingOptions, ScheduleOptions, AudienceOptions, GuardOptions {
  version?: string
  to: string
  platform?: Platform[]
  rollout: number
  mandatory?: boolean
}

/** One release on its way to a channel: everything that will be done, before it is. */
export interface PreparedPromotion {
  app: App
  release: Release
  platform: Platform
  signing: PromotionSigning
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
  { options, audience, schedule, guard, percentage }: Promotion,
  release: Release,
  named: Platform | undefined,
): Promise<PreparedPromotion> {
  const { to: channel } = options
  const { appId, platform } = release
  const app = await session.getApp(appId)
  const target = wantedOf(options, app, release, named)
  const signing = await planPromotion(session, target, { channel, guard: guard.guard, options })
  const key = signing.restates ? signing.plan?.key : undefined
  const placed = { releaseId: release.id, channel, percentage, ...audience }
  const reach = await findReach(session.api, appId, { platform, ...placed, ...given({ keyId: key?.fingerprint }) })
  const question = { change: 'promote', ...placed, ...given({ signedBy: key?.publicKey }) } as const
  const impact = await findImpact(session.api, appId, question)
  const isNarrowed = (audience.rules ?? []).length > 0
  const shown = {
    ...reachLines(reach),
    ...(await placeLines(session.api, release, { channel, percentage, isNarrowed })),
    ...takenBackLines(impact),
    ...audienceLines(audience),
    ...scheduleLines(schedule),
  }
  const texts = Object.entries(shown).map(([name, text]) => `${name}: ${text}`)
  return { app, release, platform, signing, impact, lines: [...texts, describePromotion(signing)] }
}

/**
 * What the release must turn out to be. An id means nothing to a person, and the server chooses what it stands for: what
 * is signed without a look at it has to be named.
 */
function wantedOf({ version, yes }: PromotionOptions, app: App, release: Release, platform: Platform | undefined) {
  const isNamed = version !== undefined && platform !== undefined
  return { app, platform: platform ?? release.platform, release, version, mustBeNamed: Boolean(yes) && !isNamed }
}

export async function promoteRelease(
  session: Session,
  { options, audience, schedule, guard }: Promotion,
  { app, release, signing, impact }: PreparedPromotion,
): Promise<Rollout & { impact: Impact | null }> {
  const body: NewRollout = {
    releaseId: release.id,
    channel: options.to,
    mandatory: options.mandatory ?? false,
    ...(!schedule.plan && { percentage: options.rollout }),
    ...schedule,
    ...audience,
    ...guard,
  }
  const rollout = await placePromoted(session, app, signing, (signed) =>
    session.api.createRollout(app.id, { ...body, ...signed }),
  )
  return { ...rollout, impact: impact ?? null }
}
