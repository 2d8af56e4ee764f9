import {
  DEFAULT_CHANNEL,
  MAX_NOTES_LENGTH,
  NewReleaseVersion,
  type ReleaseCheck,
  type ReleaseFinding,
  type ReleasePreflight,
} from '@hotpatch/api'
import { Problem, PROBLEMS } from '@hotpatch/protocol'
import { platformsOf, requirePlatform, type AppRow } from '../../shipping/apps/app-service.ts'
import type { ContentAmount, ContentLimits, Objection } from '../../shipping/content/content-kind.ts'
import { statedOfWish, type ContentService } from '../../shipping/content/content-service.ts'
import type { ChannelService } from '../../shipping/channels/channel-service.ts'
import { timestamp, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createCheck } from '../../ground/http/validate.ts'
import { countNativeVersions } from '../../fleet/devices/device-queries.ts'
import { readPlan } from '../plan-rules/read-plan.ts'
import type { ReleaseSubstance } from '../../shipping/releases/release-differences.ts'
import {
  readRequirement,
  requirementIn,
  requirementOf,
  type ReleaseService,
} from '../../shipping/releases/release-service.ts'
import type { SequenceService } from '../../shipping/sequences/sequence-service.ts'
import type { KeyService } from '../../shipping/signing/key-service.ts'
import type { Author } from '../../people/authors/author.ts'
import { requireRules } from '../rollouts/audience.ts'
import type { RolloutGate, RolloutService } from '../rollouts/rollout-service.ts'
import { listInForce, type RolloutPlace } from '../rollouts/rollout-queries.ts'
import { createExistingReleases, findObjection, type ExistingRelease } from './existing-release.ts'
import { summarizeNative } from './native-fleet.ts'
import { isNearly } from './nearly.ts'
import { findAnswerOf } from './same-request.ts'

const versionRule = createCheck(NewReleaseVersion)

export type PreflightService = ReturnType<typeof createPreflightService>

/** What a publish would be told, all at once, before anybody has built, signed or sent anything. Changes nothing. */
export function createPreflightService({
  db,
  reads,
  channels,
  contents,
  sequences,
  keys,
  releases,
  rollouts,
  gate,
  limits,
  clock,
  settleFleet,
}: {
  db: Database
  /** For reading only: it may be a connection in another thread. */
  reads: Database
  channels: ChannelService
  contents: ContentService
  sequences: SequenceService
  keys: KeyService
  releases: ReleaseService
  rollouts: RolloutService
  gate: Pick<RolloutGate, 'admit'>
  limits: ContentLimits
  clock: Clock
  settleFleet: () => Promise<void>
}) {
  const existingReleases = createExistingReleases({ releases, rollouts })

  async function check(app: AppRow, input: ReleaseCheck, author: Author, publicUrl: string): Promise<ReleasePreflight> {
    const { platform, version, channel = DEFAULT_CHANNEL } = input
    const findings: ReleaseFinding[] = []
    const isPlatform = await collect(findings, 'platform', () => requirePlatform(app, platform))
    const isVersion: boolean = versionRule.Check(version)
    if (!isVersion) {
      const expected = 'a version such as 1.2.0: at most 50 characters, beginning with a digit, or "v" and a digit'
      findings.push(errorOf('version', expected, `"${version}"`, 'Name a version.'))
    }
    const names = (await channels.list(app)).items.map(({ name }) => name)
    if (!names.includes(channel)) findings.push(channelFinding(names, channel))
    else findings.push(...(await protectionFindings(app, channel, author)))
    await collect(findings, 'requirement', () => readRequirement(input))
    await collect(findings, 'plan', () => readPlan(input))
    await collect(findings, 'rules', () => requireRules(input.rules ?? []))
    findings.push(
      ...contents.tooMuch(input).map(sizeFinding),
      ...notesFindings(input),
      ...(await signingFindings(app, input)),
    )
    const row = await releases.findByVersion(app, { platform, version })
    const existing = row && (await existingReleases.compare(db, row, substanceOf(input)))
    const objection = existing && findObjection(existing, { platform, channel })
    if (objection) {
      const expected = `a version that ${platform} does not have yet, or the very same on a further channel`
      findings.push(errorOf('version', expected, `${version}, which ${objection.found}`, objection.advice))
    }
    // What is there is placed: its files were held against those before them when it came.
    if (!row)
      await collect(findings, 'accept', async () => void findings.push(...(await objectionFindings(app, input))))
    const platforms = platform === 'any' ? platformsOf(app) : [platform]
    await settleFleet()
    return {
      findings,
      nextSequence: isPlatform ? (await sequences.getNext(app, platform)).nextSequence : null,
      limits: { maxBytes: limits.maxBytes, maxUnpackedBytes: limits.maxUnpackedBytes, maxFiles: limits.maxFiles },
      isUploaded: await contents.isUploaded(app.id, input.content),
      existing: existing?.row.platform === platform ? await renderExisting(existing, channel, publicUrl) : null,
      inForce: await inForceOn({ appId: app.id, platform, channel }),
      native: summarizeNative(await countNativeVersions(reads, app.id, { platforms, channel })),
    }
  }

  /** Whoever is kept out there is told before anything is sent. */
  async function protectionFindings(app: AppRow, channel: string, author: Author): Promise<ReleaseFinding[]> {
    try {
      await gate.admit(db, author, { app_id: app.id, channel }, 'widens')
      return []
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      const expected = 'a channel that you may publish to'
      return [errorOf(error.type, expected, error.message, PROBLEMS[error.type].advice)]
    }
  }

  async function inForceOn(place: RolloutPlace): Promise<ReleasePreflight['inForce']> {
    const { rows } = await listInForce(db, place, clock.now())
    return rows.map(({ id, version, state, percentage }) => ({ rolloutId: id, version, state, percentage }))
  }

  async function objectionFindings(app: AppRow, input: ReleaseCheck): Promise<ReleaseFinding[]> {
    return (await contents.previewObjections(db, app.id, input)).map(objectionFinding)
  }

  async function renderExisting(
    { row, channels: placed }: ExistingRelease,
    channel: string,
    publicUrl: string,
  ): Promise<ReleasePreflight['existing']> {
    return {
      releaseId: row.id,
      channels: [...placed],
      published: (await findAnswerOf(db, row, channel, publicUrl)) ?? null,
      requirement: requirementOf(row),
      createdAt: timestamp(row.created_at),
      createdBy: row.created_by,
      isArchived: row.archived_at !== null,
    }
  }

  /** Only when the caller says whether it will sign, and with which key. */
  async function signingFindings(app: AppRow, { publicKey }: ReleaseCheck): Promise<ReleaseFinding[]> {
    if (publicKey === undefined) return []
    if (publicKey === null) {
      if (app.signing === 'optional') return []
      return [errorOf('signing', 'a signed release', 'one without a signature', PROBLEMS['signature-required'].advice)]
    }
    const working = await keys.listWorking(app.id)
    if (working.includes(publicKey)) return []
    if (working.length === 0 && !(await keys.hasEverHadAny(app.id, db))) return []
    const advice = 'Sign with a registered key (`hotpatch keys list`), or have this one added with `hotpatch keys add`.'
    return [errorOf('signing', 'a registered key', `the key ${publicKey}, which is not registered`, advice)]
  }

  return { check }
}

/** Of what is announced; an unreadable requirement is told as such. */
function substanceOf(input: ReleaseCheck): ReleaseSubstance {
  const { notes, publicKey } = input
  const stated = statedOfWish(input)
  const isSigned = publicKey === undefined ? undefined : publicKey !== null
  return { stated, requirement: requirementIn(input), notes, isSigned }
}

function channelFinding(names: readonly string[], channel: string): ReleaseFinding {
  const meant = names.find((name) => isNearly(name, channel))
  const question = meant === undefined ? '' : `Did you mean "${meant}"? `
  const advice = `${question}If it is meant, make it: \`hotpatch channels create ${channel}\`.`
  return errorOf('channel', `one of ${names.join(', ')}`, `"${channel}"`, advice)
}

function sizeFinding({ variable, found, most, unit }: ContentAmount): ReleaseFinding {
  const advice = `Leave out what devices do not need, or have the server's ${variable} raised.`
  return errorOf('size', `at most ${most} ${unit}`, `${found} ${unit}`, advice)
}

/** The word by which it is accepted is its name. */
function objectionFinding({
  name,
  file,
  expected,
  found,
  isAccepted,
}: Objection & { isAccepted: boolean }): ReleaseFinding {
  const advice = isAccepted ? 'This is accepted.' : 'Publish the file that is meant, or accept this by its name.'
  const told = { check: name, expected, found: `${found} in ${file}`, advice }
  return isAccepted ? { ...told, severity: 'warning' } : { ...told, severity: 'error', acceptedBy: name }
}

function notesFindings({ notes = '' }: ReleaseCheck): ReleaseFinding[] {
  if (notes.length <= MAX_NOTES_LENGTH) return []
  return [errorOf('notes', `at most ${MAX_NOTES_LENGTH} characters`, `${notes.length}`, 'Shorten the notes.')]
}

/** What is refused by a function of the publish itself. False when it was. */
async function collect(findings: ReleaseFinding[], check: string, run: () => unknown): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    const [, expected, found] = /expected (.+), found (.+?)\.?$/is.exec(error.message) ?? []
    const said = { expected: expected ?? error.title, found: found ?? error.message }
    findings.push({ check, severity: 'error', ...said, advice: PROBLEMS[error.type].advice })
    return false
  }
}

function errorOf(check: string, expected: string, found: string, advice: string): ReleaseFinding {
  return { check, severity: 'error', expected, found, advice }
}
