import { REASON_SENTENCES, type Experiment, type Impact, type ImpactQuestion, type ROLLOUT_MOVES } from '@hotpatch/api'
import { placementsOf, problem, type CatalogRollout, type Platform, type RolloutState } from '@hotpatch/protocol'
import { keyIdOfPublicKey } from '../../shipping/signing/signing-keys.ts'
import type { Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { countDevices, countTrustedKeys, type SampledDevice } from '../../fleet/devices/device-queries.ts'
import type { DirectoryEntry, OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'
import { createImpactTally, type DeviceImpact, type LostDevice } from './impact-tally.ts'
import {
  findPlacedRelease,
  forPlatform,
  imagineRollout,
  isImagined,
  withRollouts,
} from '../previews/imagined-rollout.ts'
import { judgeImpact, type Scene } from './judge-impact.ts'
import { requireRules } from '../../rolling-out/rollouts/audience.ts'
import { checkOf, type KnownDevices } from '../known-devices/known-devices.ts'
import type { FindNextSequence } from '../previews/preview-service.ts'
import type { UpdateService } from '../../updates/update-service.ts'

type RolloutMove = (typeof ROLLOUT_MOVES)[number]
type KeyQuestion = Extract<ImpactQuestion, { change: 'add-key' | 'revoke-key' }>
type RolloutQuestion = Exclude<ImpactQuestion, KeyQuestion>

const STATES: Record<RolloutMove, RolloutState> = {
  pause: 'paused',
  resume: 'active',
  halt: 'halted',
  withdraw: 'withdrawn',
}

/** What the service needs to know of keys and rollouts, which other modules keep. */
export interface ImpactFacts {
  findNextSequence: FindNextSequence
  /** Raw public keys in base64. */
  listWorkingKeys(appId: string): Promise<{ id: string; publicKey: string }[]>
  /** @throws problem rollout-not-found */
  placeOfRollout(appId: string, rolloutId: string): Promise<{ platform: Platform; channel: string }>
  /** What halting a rollout would be followed by; undefined: nothing. */
  findStepBack(rolloutId: string): Promise<PlannedStepBack | undefined>
  /** @throws problem experiment-not-found */
  findExperiment(appId: string, experimentId: string): Promise<Pick<Experiment, 'platform' | 'channel' | 'arms'>>
}

interface PlannedStepBack {
  /** Null: what the binary shipped with. */
  releaseId: string | null
  /** As its publisher has stated it again in advance. */
  restated: { sequence: number; floor: number; publicKey: string | null } | null
}

/** Where a change is, and what it makes of the catalogs there. */
interface Place {
  platform: Platform
  channel: string
  change: (rollouts: readonly CatalogRollout<OfferedRelease>[]) => readonly CatalogRollout<OfferedRelease>[]
  /** Its devices are drawn when it is made. */
  isDrawn: boolean
}

export type ImpactService = ReturnType<typeof createImpactService>

/** What a change would do to known devices, before anybody makes it: by the very function that answers checks. */
export function createImpactService({
  db,
  catalogs,
  updates,
  identity,
  knownDevices,
  facts,
  clock,
  newId,
}: {
  /** For reading only: it may be a connection in another thread. */
  db: Database
  catalogs: Catalogs
  updates: UpdateService
  identity: DeviceIdentity
  knownDevices: KnownDevices
  facts: ImpactFacts
  clock: Clock
  newId: () => string
}) {
  /**
   * @throws problem app-not-found, channel-not-found, platform-not-found, release-not-found, rollout-not-found,
   *   rollback-target-invalid, key-not-found, invalid-request or too-many-requests
   */
  function ask(appId: string, question: ImpactQuestion): Promise<Impact> {
    return knownDevices.inTurn(async () => {
      const app = catalogs.findApp(appId)
      if (!app) throw problem('app-not-found', `No app has the id ${appId}.`)
      if (question.change === 'add-key' || question.change === 'revoke-key') return impactOnKeys(app, question)
      return impactOnRollouts(app, question, await placeOf(app, question))
    })
  }

  async function placeOf(app: DirectoryEntry, question: RolloutQuestion): Promise<Place> {
    switch (question.change) {
      case 'roll-back': {
        const { platform, channel, to, signedBy, change: _, ...audience } = question
        const { percentage = 100 } = audience
        const target = to === 'embedded' ? to : findTarget(catalogs.get(app, platform, channel), to)
        const rollout = await imaginePlaced(app, platform, target, audience, signedBy)
        const isDrawn = percentage > 0 && percentage < 100
        return { platform, channel, isDrawn, change: (rollouts) => [rollout, ...rollouts] }
      }
      case 'promote': {
        const { releaseId, channel, signedBy, change: _, ...audience } = question
        const release = findPlacedRelease(catalogs, app, releaseId)
        const platform = catalogs.platformOf(app, releaseId) ?? 'any'
        const rollout = await imaginePlaced(app, platform, release, audience, signedBy)
        const { percentage = 100 } = audience
        const isDrawn = percentage > 0 && percentage < 100
        return { platform, channel, isDrawn, change: (rollouts) => [rollout, ...rollouts] }
      }
      case 'change-audience': {
        const place = await facts.placeOfRollout(app.id, question.rolloutId)
        const wanted = audienceOf(app, question)
        const change = (each: OfferedRollout) => ({ ...each, audience: { ...each.audience, ...wanted } })
        return { ...place, isDrawn: false, change: (rollouts) => changeOne(rollouts, question.rolloutId, change) }
      }
      case 'step-back': {
        const place = await facts.placeOfRollout(app.id, question.rolloutId)
        const step = await facts.findStepBack(question.rolloutId)
        return { ...place, isDrawn: false, change: (rollouts) => stepBack(app, rollouts, question.rolloutId, step) }
      }
      case 'finish-experiment':
        return placeOfExperiment(app, question)
      default: {
        const { rolloutId, change } = question
        const state = STATES[change]
        const place = await facts.placeOfRollout(app.id, rolloutId)
        return {
          ...place,
          isDrawn: false,
          change: (rollouts) => changeOne(rollouts, rolloutId, (each) => ({ ...each, state })),
        }
      }
    }
  }

  function audienceOf(app: DirectoryEntry, question: Extract<ImpactQuestion, { change: 'change-audience' }>) {
    const { percentage, devices, cohorts, rules } = question
    return {
      ...(percentage !== undefined && { percentage }),
      ...(devices && { devices: devices.map((device) => identity.resolve(app, device)) }),
      ...(cohorts && { cohorts }),
      ...(rules && { rules: requireRules(rules) }),
    }
  }

  /** Halted, and what was before on top, for the same devices. */
  function stepBack(
    app: DirectoryEntry,
    rollouts: readonly OfferedRollout[],
    rolloutId: string,
    step: PlannedStepBack | undefined,
  ): readonly OfferedRollout[] {
    const halted = rollouts.find(({ id }) => id === rolloutId)
    const rest = changeOne(rollouts, rolloutId, (each) => ({ ...each, state: 'halted' }))
    // Without a statement there is nothing to place: whoever ran it falls to what the binary shipped with (D6).
    if (!halted || !step || (step.releaseId === null && !step.restated)) return rest
    const target = step.releaseId === null ? 'embedded' : findPlacedRelease(catalogs, app, step.releaseId)
    const imagined = imagineRollout(newId(), app, target, {}, identity)
    const { audience } = halted
    const restated = step.restated && { ...step.restated, keyId: keyIdOf(step.restated.publicKey) }
    return [{ ...imagined, audience, restated }, ...rest]
  }

  async function placeOfExperiment(
    app: DirectoryEntry,
    { experimentId, winner }: Extract<ImpactQuestion, { change: 'finish-experiment' }>,
  ): Promise<Place> {
    const { platform, channel, arms } = await facts.findExperiment(app.id, experimentId)
    const won = arms.find(({ name }) => name === winner)
    if (winner !== null && !won) {
      throw problem('invalid-request', `winner: expected one of ${arms.map(({ name }) => name).join(', ')}, or null.`)
    }
    const ids = new Set(arms.map(({ rolloutId }) => rolloutId))
    const state = won ? ('paused' as const) : ('withdrawn' as const)
    const placed = won && imagineRollout(newId(), app, findPlacedRelease(catalogs, app, won.releaseId), {}, identity)
    const change = (rollouts: readonly OfferedRollout[]) => {
      const ended = rollouts.map((each) => (ids.has(each.id) ? { ...each, state } : each))
      return placed ? [placed, ...ended] : ended
    }
    return { platform, channel, isDrawn: false, change }
  }

  /** Stated again where somebody would sign it: as a roll-back is, or a promotion of what is not the newest. */
  async function imaginePlaced(
    app: DirectoryEntry,
    platform: Platform,
    target: OfferedRelease | 'embedded',
    audience: Parameters<typeof imagineRollout>[3],
    signedBy: string | undefined,
  ): Promise<CatalogRollout<OfferedRelease>> {
    const rollout = imagineRollout(newId(), app, target, audience, identity)
    if (signedBy === undefined) return rollout
    const sequence = await facts.findNextSequence(app.id, platform)
    const floor = target === 'embedded' ? 0 : target.floor
    return { ...rollout, restated: { sequence, floor, keyId: keyIdOfPublicKey(signedBy) } }
  }

  async function impactOnRollouts(app: DirectoryEntry, question: RolloutQuestion, place: Place): Promise<Impact> {
    const { platform, channel, change } = place
    const platforms = platform === 'any' ? app.platforms : [platform]
    const scenes = new Map<Platform, Scene>(
      platforms.map((each) => {
        const before = catalogs.get(app, each, channel)
        const changed = change(before.rollouts).map((rollout) =>
          isImagined(rollout) ? forPlatform(catalogs, app, rollout, each) : rollout,
        )
        return [each, { before, after: withRollouts(before, changed) }]
      }),
    )
    const tally = createImpactTally()
    for await (const device of knownDevices.sample(app)) {
      const scene = scenes.get(device.platform)
      if (!scene || device.channel !== channel || device.gone_at !== null) continue
      tally.add(device, judge(scene, device))
    }
    const devices = await countDevices(db, app.id, { platforms, channel })
    const wayOut = await findWayOut(app, platform, scenes, tally.lost(), signedByOf(question))
    return tally.render(devices, { isDrawn: place.isDrawn, wayOut })
  }

  function judge(scene: Scene, device: SampledDevice): DeviceImpact {
    return judgeImpact(scene, device, updates.answer, clock.now())
  }

  /** What most of the lost devices would have if they could: stated again on top, it reaches them. */
  async function findWayOut(
    app: DirectoryEntry,
    platform: Platform,
    scenes: ReadonlyMap<Platform, Scene>,
    lost: readonly LostDevice[],
    signedBy: string | undefined,
  ) {
    const [wanted] = [...Map.groupBy(lost, ({ wants }) => wants.key).values()].toSorted((a, b) => b.length - a.length)
    const target = wanted?.[0]?.wants
    if (!target) return null
    const sequence = await facts.findNextSequence(app.id, platform)
    const keyId = signedBy === undefined ? keyIdFor(scenes, target.release) : keyIdOfPublicKey(signedBy)
    if (keyId === null) return null
    const { release, percentage } = target
    const imagined = imagineRollout(newId(), app, release ?? 'embedded', { percentage }, identity)
    const rollout = { ...imagined, restated: { sequence, floor: release?.floor ?? 0, keyId } }
    const rescued = new Map<LiveCatalog, LiveCatalog>()
    const left = lost.filter(({ device }) => {
      const scene = scenes.get(device.platform)
      if (!scene) return false
      const after = rescued.get(scene.after) ?? onTop(scene.after, forPlatform(catalogs, app, rollout, device.platform))
      rescued.set(scene.after, after)
      const { decision } = updates.answer(after, checkOf(device))
      return decision.kind !== 'update' && !(decision.kind === 'embedded' && decision.rollout)
    })
    return {
      releaseId: release?.id ?? null,
      version: release?.version ?? null,
      percentage,
      sequence,
      left: left.length,
    }
  }

  /** Of revoked keys devices may know, of working ones releases come. */
  async function impactOnKeys(app: DirectoryEntry, question: KeyQuestion): Promise<Impact> {
    const working = await facts.listWorkingKeys(app.id)
    let isHeld: (keyIds: readonly string[]) => boolean
    if (question.change === 'add-key') {
      const added = keyIdOfPublicKey(question.publicKey)
      isHeld = (keyIds) => keyIds.includes(added)
    } else {
      const revoked = working.find(({ id }) => id === question.keyId)
      if (!revoked) throw problem('key-not-found', `The app has no working signing key with the id ${question.keyId}.`)
      const left = working.filter(({ id }) => id !== question.keyId).map(({ publicKey }) => keyIdOfPublicKey(publicKey))
      isHeld = (keyIds) => keyIds.some((keyId) => left.includes(keyId))
    }
    await knownDevices.settle()
    return renderKeyImpact(await countTrustedKeys(db, app.id), isHeld)
  }

  return { ask }
}

type OfferedRollout = CatalogRollout<OfferedRelease>

function onTop(catalog: LiveCatalog, rollout: OfferedRollout): LiveCatalog {
  return withRollouts(catalog, [rollout, ...catalog.rollouts])
}

function changeOne(
  rollouts: readonly OfferedRollout[],
  rolloutId: string,
  change: (rollout: OfferedRollout) => OfferedRollout,
): readonly OfferedRollout[] {
  return rollouts.map((each) => (each.id === rolloutId ? change(each) : each))
}

function signedByOf(question: RolloutQuestion): string | undefined {
  return 'signedBy' in question ? question.signedBy : undefined
}

function keyIdOf(publicKey: string | null): string | null {
  return publicKey === null ? null : keyIdOfPublicKey(publicKey)
}

/** @throws problem rollback-target-invalid */
function findTarget(catalog: LiveCatalog, to: { version: string } | { releaseId: string }): OfferedRelease {
  const target = 'version' in to ? catalog.byVersion.get(to.version) : placementsOf(catalog, to.releaseId)[0]?.target
  if (target && target !== 'embedded') return target
  const name = 'version' in to ? `Version ${to.version}` : `The release ${to.releaseId}`
  throw problem('rollback-target-invalid', `${name} was never on the channel "${catalog.channel}".`)
}

/** Who would sign, where nobody says: whoever signed the release, or for embedded the newest one. */
function keyIdFor(scenes: ReadonlyMap<Platform, Scene>, release: OfferedRelease | null): string | null {
  if (release) return release.keyId
  for (const { after } of scenes.values()) {
    const newest = after.rollouts.find(({ target }) => target !== 'embedded' && target.keyId !== null)?.target
    if (newest && newest !== 'embedded') return newest.keyId
  }
  return null
}

/** What is signed by none of the keys that a binary holds, it never takes. */
function renderKeyImpact(
  groups: readonly { trusted_keys: string | null; devices: number }[],
  isHeld: (keyIds: readonly string[]) => boolean,
): Impact {
  const sum = (some: typeof groups) => some.reduce((total, { devices }) => total + devices, 0)
  const devices = sum(groups)
  const untold = sum(groups.filter(({ trusted_keys }) => trusted_keys === null))
  const refusing = sum(
    groups.filter(({ trusted_keys }) => {
      const keyIds = JSON.parse(trusted_keys ?? '[]') as string[]
      // Who holds no key looks at no signature.
      return keyIds.length > 0 && !isHeld(keyIds)
    }),
  )
  const reason = 'key-not-trusted'
  return {
    devices,
    judged: devices,
    isExact: true,
    changed: 0,
    goBack: 0,
    moves: [],
    cannotTake: refusing > 0 ? [{ reason, explanation: REASON_SENTENCES[reason], devices: refusing }] : [],
    stranded: 0,
    strandedNow: 0,
    dropped: 0,
    untold,
    wayOut: null,
  }
}
