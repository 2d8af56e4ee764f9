import { REASON_SENTENCES, type RolloutPreview, type RolloutReach } from '@hotpatch/api'
import { problem, type CatalogRollout, type DecisionReason, type Platform } from '@hotpatch/protocol'
import type { Database } from '../../ground/database/schema.ts'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { countDevices, type SampledDevice } from '../../fleet/devices/device-queries.ts'
import { readRequirement } from '../../shipping/releases/release-service.ts'
import type { DirectoryEntry, OfferedRelease } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'
import { imagineRelease, type ImaginedSignature } from './imagined-release.ts'
import { findPlacedRelease, imagineRollout, withRollouts } from './imagined-rollout.ts'
import { checkOf, type KnownDevices } from '../known-devices/known-devices.ts'
import type { UpdateCheck, UpdateService } from '../../updates/update-service.ts'

/** A catalog with the imagined rollout on top, and one with nothing else. */
interface Imagined {
  whole: LiveCatalog
  alone: LiveCatalog
}

/** The sequence that the next statement gets. */
export type FindNextSequence = (appId: string, platform: Platform) => Promise<number>

export type PreviewService = ReturnType<typeof createPreviewService>

/** "What if": whom a rollout would reach, by the very function that answers checks. */
export function createPreviewService({
  db,
  catalogs,
  updates,
  identity,
  knownDevices,
  findNextSequence,
  newId,
}: {
  /** For reading only: it may be a connection in another thread. */
  db: Database
  catalogs: Catalogs
  updates: UpdateService
  identity: DeviceIdentity
  knownDevices: KnownDevices
  findNextSequence: FindNextSequence
  newId: () => string
}) {
  /**
   * @throws problem app-not-found, channel-not-found, platform-not-found, release-not-found, invalid-request or
   *   too-many-requests
   */
  function preview(appId: string, wanted: RolloutPreview): Promise<RolloutReach> {
    return knownDevices.inTurn(() => previewNow(appId, wanted))
  }

  async function previewNow(appId: string, wanted: RolloutPreview): Promise<RolloutReach> {
    const app = catalogs.findApp(appId)
    if (!app) throw problem('app-not-found', `No app has the id ${appId}.`)
    const { channel } = wanted
    const { id, imagine } = await prepare(app, wanted)
    const platforms = wanted.platform === 'any' ? app.platforms : [wanted.platform]
    const imagined = new Map<Platform, Imagined>(
      platforms.map((platform) => [platform, imagineOn(catalogs.get(app, platform, channel), imagine(platform))]),
    )
    const counts = new Map<string, number>()
    for await (const device of knownDevices.sample(app)) {
      const catalog = imagined.get(device.platform)
      if (!catalog || device.channel !== channel || device.gone_at !== null) continue
      const verdict = judge(catalog, device, id)
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
    }
    const devices = await countDevices(db, app.id, { platforms, channel })
    return reachOf(counts, devices, isDrawn(wanted))
  }

  /** Why the rollout would pass the device over, or what it would bring. */
  function judge({ whole, alone }: Imagined, device: SampledDevice, rolloutId: string): string {
    const check = trusting(checkOf(device))
    const { decision } = updates.answer(whole, check)
    const isIts = 'rollout' in decision && decision.rollout?.id === rolloutId
    if (isIts) return decision.kind === 'up-to-date' ? RUNNING : REACHED
    return updates.answer(alone, check).decision.reason
  }

  /** The same rollout on every platform, of what there is for that. */
  async function prepare(app: DirectoryEntry, wanted: RolloutPreview) {
    const id = newId()
    const signature = {
      keyId: wanted.keyId ?? ANY_KEY,
      sequence: await findNextSequence(app.id, wanted.platform),
    }
    const targetOn = targetOf(app, wanted, id, signature)
    const isNew = wanted.releaseId === undefined && wanted.to === undefined
    const imagine = (platform: Platform): CatalogRollout<OfferedRelease> => {
      const target = targetOn(platform)
      const rollout = imagineRollout(id, app, target, wanted, identity)
      if (isNew || wanted.keyId === undefined) return rollout
      return { ...rollout, restated: { ...signature, floor: target === 'embedded' ? 0 : target.floor } }
    }
    return { id, imagine }
  }

  function targetOf(
    app: DirectoryEntry,
    wanted: RolloutPreview,
    id: string,
    signature: ImaginedSignature,
  ): (platform: Platform) => OfferedRelease | 'embedded' {
    if (wanted.to === 'embedded') {
      if (wanted.releaseId === undefined) return () => 'embedded'
      throw problem('invalid-request', 'Expected a releaseId or "to": "embedded", found both.')
    }
    if (wanted.releaseId === undefined) {
      const requirement = readRequirement(wanted)
      return (platform) => imagineRelease(id, wanted, { platform, requirement, signature })
    }
    const release = findPlacedRelease(catalogs, app, wanted.releaseId)
    return (platform) => catalogs.findRelease(app, release.id, platform) ?? release
  }

  return { preview }
}

const REACHED = 'reached'
const RUNNING = 'running'
/** Of a release that is not signed yet, by a key that nobody has named. */
const ANY_KEY = 'any'

function trusting({ trust, ...check }: UpdateCheck): UpdateCheck {
  const isChecking = trust !== undefined && trust.keyIds.length > 0
  return { ...check, trust: isChecking ? { ...trust, keyIds: [...trust.keyIds, ANY_KEY] } : trust }
}

function imagineOn(catalog: LiveCatalog, rollout: CatalogRollout<OfferedRelease>): Imagined {
  return { whole: withRollouts(catalog, [rollout, ...catalog.rollouts]), alone: withRollouts(catalog, [rollout]) }
}

/** Which devices a percentage takes is drawn with the id that the rollout will have. */
function isDrawn({ percentage = 100 }: RolloutPreview): boolean {
  return percentage > 0 && percentage < 100
}

/** What was found of the devices that were judged, as it is for all of them. */
function reachOf(counts: Map<string, number>, devices: number, isDrawn: boolean): RolloutReach {
  const judged = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const scaled = (name: string) => Math.round(((counts.get(name) ?? 0) * devices) / Math.max(judged, 1))
  const missed = [...counts.keys()]
    .filter((name) => name !== REACHED && name !== RUNNING)
    .map((reason) => ({ reason, explanation: REASON_SENTENCES[reason as DecisionReason], devices: scaled(reason) }))
  return {
    devices,
    reached: scaled(REACHED),
    alreadyRunning: scaled(RUNNING),
    missed: missed.toSorted((a, b) => b.devices - a.devices),
    judged,
    isExact: judged >= devices && !isDrawn,
  }
}
