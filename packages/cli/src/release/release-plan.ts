import type { App, NewRelease, ReleaseFinding, ReleasePreflight, RolloutReach } from '@hotpatch/api'
import type { Platform, Requirement } from '@hotpatch/protocol'
import { given } from '../arguments/given.ts'
import type { StatedContent } from '../content/content-kind.ts'
import type { ReleaseBytes } from '../content/kinds.ts'
import { formatList } from '../output/text.ts'
import type { SigningChoice } from '../signing/choose-key.ts'
import { answersJson, describeAnswers } from '../expo-signing/answers-plan.ts'
import type { ReleaseAnswers } from '../expo-signing/release-answers.ts'
import { audienceLines, type RolloutAudience } from './rollout-audience.ts'
import { coverLines } from './covered.ts'
import { describeFinding } from './findings.ts'
import { extraLines, extrasJson, type ReleaseExtras } from './release-extras.ts'
import { guardLines, guardSettings, type RolloutGuard } from './rollout-guard.ts'
import { reachLines } from './rollout-reach.ts'
import { scheduleLines, type RolloutSchedule } from './rollout-schedule.ts'
import type { StatementContent } from '../signing/sign-statement.ts'
import { describeRequirement, signingJson, signingLines, type SigningPlan } from '../signing/signing-plan.ts'

export interface ReleaseWishes extends RolloutSchedule, RolloutAudience, RolloutGuard {
  platform: Platform
  version: string
  channel: string
  /** With a plan: of its first step. */
  percentage: number
  mandatory: boolean
  /** Undefined: for none more. */
  mandatoryBelow?: string | undefined
  requirement: Requirement
  notes: string | undefined
  floor: number
}

/** Everything that publishing will do, before it does anything. */
export interface ReleasePlan extends ReleaseWishes {
  app: App
  bundle: ReleaseBytes
  /** Where the requirement comes from when nobody gave it. */
  requirementSource: string | undefined
  /** What the channel has now. */
  inForce: ReleasePreflight['inForce']
  /** The same release, where it is on other channels: it is placed. */
  existing: ReleasePreflight['existing']
  /** To be told; none is an error. */
  findings: readonly ReleaseFinding[]
  /** With everything that will be signed, when it is. */
  signing: Extract<SigningChoice, { kind: 'unsigned' }> | (Extract<SigningChoice, { kind: 'signed' }> & SigningPlan)
  /** What its guard would go back to: its version. */
  backTo: string | null
  /** About what is signed in advance. */
  signingWarnings: readonly string[]
  /** What is signed for Expo's clients, which verify something of their own. */
  answers: ReleaseAnswers
  /** For clients with keys of their own. */
  extras: ReleaseExtras
  /** Of the devices that the server knows; undefined when it did not say. */
  reach: RolloutReach | undefined
}

export function metadataOf({ platform, version, channel, mandatory, percentage, ...plan }: ReleasePlan): NewRelease {
  return {
    platform,
    version,
    channel,
    mandatory,
    ...(plan.plan ? { plan: plan.plan } : { percentage }),
    ...given({ mandatoryBelow: plan.mandatoryBelow }),
    ...given({ guard: plan.guard, startsAt: plan.startsAt, paused: plan.paused, notes: plan.notes }),
    ...given({ rules: plan.rules, devices: plan.devices, cohorts: plan.cohorts }),
    ...plan.requirement,
    content: plan.bundle.content,
  }
}

/** The digest is of the bytes that lie here. */
export function statementOf(
  app: Pick<App, 'id'>,
  { platform, version, floor, requirement }: ReleaseWishes,
  stated: StatedContent,
): StatementContent {
  return { appId: app.id, platform, target: 'release', version, floor, requirement, ...stated }
}

/** For a person who has to say yes or no. */
export function describePlan(plan: ReleasePlan, heading = 'Plan'): string {
  const { app, platform, version, channel, percentage, mandatory, bundle, signing, floor } = plan
  const lines = {
    Release: `${app.slug} ${version} for ${platform}`,
    ...existingLines(plan),
    ...bundle.description.lines,
    Reaches: `${percentage} % of the devices on ${channel}${mandatory ? ', at once (mandatory)' : ', at their next start'}`,
    ...(plan.mandatoryBelow !== undefined && { Mandatory: `below ${plan.mandatoryBelow}` }),
    ...reachLines(plan.reach),
    ...coverLines(plan.inForce, { percentage, isNarrowed: (plan.rules ?? []).length > 0 }),
    ...audienceLines(plan),
    ...scheduleLines(plan),
    ...guardLines(guardSettings(app, plan.guard), {
      backTo: plan.backTo,
      isPrepared: signing.kind === 'signed' && signing.contents.length > 1,
    }),
    Needs: `${describeRequirement(plan.requirement)}${sourceOf(plan)}`,
    ...(floor > 0 && { Floor: `devices that have it never go below sequence ${floor}` }),
    ...(signing.kind === 'signed' ? signingLines(signing) : { Signed: `no: ${signing.reason}` }),
    ...(plan.answers.plan && { 'Code signed': describeAnswers(plan.answers.plan) }),
    ...extraLines(plan.extras, platform),
  }
  const width = Math.max(...Object.keys(lines).map((name) => name.length))
  const rows = Object.entries(lines).map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)
  return [heading, ...rows, ...warningsOf(plan).map((warning) => `  ! ${warning}`)].join('\n')
}

function sourceOf({ requirementSource, existing }: ReleasePlan): string {
  if (requirementSource === undefined) return ''
  return existing ? ` (${requirementSource})` : ` (${requirementSource}; another: --native-range)`
}

function existingLines({ existing, channel }: ReleasePlan): Record<string, string> {
  if (!existing) return {}
  const where = existing.channels.length > 0 ? ` on ${formatList(existing.channels)}` : ''
  const text = `the very same was published ${existing.createdAt} by ${existing.createdBy}${where}: it is placed on ${channel}, too`
  return { Existing: text }
}

export function warningsOf({ app, signing, signingWarnings, answers, findings }: ReleasePlan): string[] {
  return [
    ...(signing.kind === 'signed' && signing.isFirst
      ? [`This registers your key as the first signing key of ${app.slug}: from now on it takes signed releases only.`]
      : []),
    ...signingWarnings,
    ...answers.warnings,
    ...(signing.kind === 'unsigned' ? ['Devices cannot tell who made an unsigned release.'] : []),
    ...findings.map(describeFinding),
  ]
}

/** What `--dry-run --json` prints: the fields of a published release as far as they are known before it is one. */
export function planJson(plan: ReleasePlan) {
  const { app, bundle, signing, notes, existing, signingWarnings: _, extras, answers, ...wishes } = plan
  const signed = signing.kind === 'signed'
  return {
    dryRun: true,
    app: app.slug,
    ...wishes,
    notes: notes ?? '',
    ...bundle.description.json,
    signed,
    /** Everything that will be signed. */
    signs: signed ? signingJson(signing) : [],
    keyFingerprint: signed ? signing.key.fingerprint : null,
    keyRegistered: signed && signing.isFirst,
    ...(answers.plan && { codeSigned: answersJson(answers.plan) }),
    ...extrasJson(extras, wishes.platform),
    existing: existing !== null,
    warnings: warningsOf(plan),
  }
}
