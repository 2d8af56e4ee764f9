import { randomBytes, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { REASON_SENTENCES, type RolloutPreview, type RolloutReach } from '@hotpatch/api'
import { compileCatalog, problem, type CatalogRollout, type DecisionReason, type Platform } from '@hotpatch/protocol'
import type { Database } from '../database/schema.ts'
import type { DeviceIdentity } from '../devices/device-identity.ts'
import { countDevices, listDevicesBetween, trustOf, type SampledDevice } from '../devices/device-queries.ts'
import { readRequirement } from '../releases/release-service.ts'
import { requireRules } from '../rollouts/audience.ts'
import { findLastSequence, type DirectoryEntry, type OfferedRelease } from './catalog-queries.ts'
import type { Catalogs, LiveCatalog } from './catalogs.ts'
import type { UpdateCheck, UpdateService } from './update-service.ts'

/** Devices that are looked at: of a larger fleet, a part that starts at a random place. */
const MAX_JUDGED = 50_000
/** Judged at once: 3 milliseconds in the thread that answers checks. */
const PAGE = 250
/** Under way or waiting. */
const MAX_PREVIEWS = 10

/** A catalog with the imagined rollout on top, and one with nothing else. */
interface Imagined {
  whole: LiveCatalog
  alone: LiveCatalog
}

export type PreviewService = ReturnType<typeof createPreviewService>

/** "What if": whom a rollout would reach, by the very function that answers checks. */
export function createPreviewService({
  db,
  catalogs,
  updates,
  identity,
  settleFleet,
  newId,
}: {
  /** For reading only: it may be a connection in another thread. */
  db: Database
  catalogs: Catalogs
  updates: UpdateService
  identity: DeviceIdentity
  /** Resolves when what devices told so far is in the database. */
  settleFleet: () => Promise<void>
  newId: () => string
}) {
  let previews = 0
  let previous: Promise<unknown> = Promise.resolve()

  /**
   * One after the other: all at once would leave checks too few turns.
   * @throws problem app-not-found, channel-not-found, platform-not-found, release-not-found, invalid-request or
   *   too-many-requests
   */
  async function preview(appId: string, wanted: RolloutPreview): Promise<RolloutReach> {
    if (previews >= MAX_PREVIEWS) {
      throw problem('too-many-requests', `${MAX_PREVIEWS} previews are under way already.`, { retryAfterSeconds: 5 })
    }
    previews += 1
    const mine = previous.then(() => previewNow(appId, wanted))
    previous = mine.catch(() => undefined) // the caller is told
    try {
      return await mine
    } finally {
      previews -= 1
    }
  }

  async function previewNow(appId: string, wanted: RolloutPreview): Promise<RolloutReach> {
    const app = catalogs.findApp(appId)
    if (!app) throw problem('app-not-found', `No app has the id ${appId}.`)
    const { channel } = wanted
    const platforms = wanted.platform === 'any' ? app.platforms : [wanted.platform]
    const rollout = imagine(app, wanted, (await findLastSequence(db, app.id, platforms)) + 1)
    const imagined = new Map<Platform, Imagined>(
      platforms.map((platform) => [platform, imagineOn(catalogs.get(app, platform, channel), rollout)]),
    )
    await settleFleet()
    const counts = new Map<string, number>()
    for await (const device of sample(app)) {
      const catalog = imagined.get(device.platform)
      if (!catalog || device.channel !== channel || device.gone_at !== null) continue
      const verdict = judge(catalog, device, rollout.id)
      counts.set(verdict, (counts.get(verdict) ?? 0) + 1)
    }
    const devices = await countDevices(db, app.id, { platforms, channel })
    return reachOf(counts, devices, isDrawn(rollout))
  }

  /** Why the rollout would pass the device over, or what it would bring. */
  function judge({ whole, alone }: Imagined, device: SampledDevice, rolloutId: string): string {
    const check = checkOf(device)
    const { decision } = updates.answer(whole, check)
    const isIts = 'rollout' in decision && decision.rollout?.id === rolloutId
    if (isIts) return decision.kind === 'up-to-date' ? RUNNING : REACHED
    return updates.answer(alone, check).decision.reason
  }

  /** From a random id on, and past the end from the first one: all of a fleet that is not larger. */
  async function* sample(app: DirectoryEntry): AsyncGenerator<SampledDevice> {
    const start = app.deviceIds === 'hashed' ? `h_${randomBytes(16).toString('base64url')}` : randomUUID()
    let left = MAX_JUDGED
    for (const range of [
      { after: start, before: undefined },
      { after: '', before: start },
    ]) {
      let page: SampledDevice[]
      do {
        page = await listDevicesBetween(db, app.id, range, Math.min(PAGE, left))
        yield* page
        left -= page.length
        range.after = page.at(-1)?.device_id ?? range.after
        // Checks that wait get their turn between the pages.
        await setImmediate()
      } while (page.length === PAGE && left > 0)
      if (left === 0) return
    }
  }

  function imagine(app: DirectoryEntry, wanted: RolloutPreview, nextSequence: number): CatalogRollout<OfferedRelease> {
    const id = newId()
    const { releaseId, devices = [], cohorts = [], rules = [], percentage = 100 } = wanted
    return {
      id,
      position: Number.MAX_SAFE_INTEGER,
      target: releaseId === undefined ? imaginedRelease(id, wanted, nextSequence) : existingRelease(app, releaseId),
      state: 'active',
      startsAt: null,
      mandatory: false,
      audience: {
        devices: devices.map((device) => identity.resolve(app, device)),
        cohorts,
        rules: requireRules(rules),
        slice: null,
        percentage,
        salt: id,
        buckets: 10_000,
      },
      restated: null,
    }
  }

  function existingRelease(app: DirectoryEntry, releaseId: string): OfferedRelease {
    const release = catalogs.findRelease(app, releaseId)
    if (!release) throw problem('release-not-found', `The app never placed a release with the id ${releaseId}.`)
    return release
  }

  return { preview }
}

const REACHED = 'reached'
const RUNNING = 'running'
/** Of a release that is not signed yet, by a key that nobody has named. */
const ANY_KEY = 'any'

function imagineOn(catalog: LiveCatalog, rollout: CatalogRollout<OfferedRelease>): Imagined {
  const compile = (rollouts: readonly CatalogRollout<OfferedRelease>[]) => ({
    ...catalog,
    ...compileCatalog({ ...catalog, rollouts }),
  })
  return { whole: compile([rollout, ...catalog.rollouts]), alone: compile([rollout]) }
}

/** @throws problem invalid-request when a requirement cannot be read */
function imaginedRelease(id: string, wanted: RolloutPreview, sequence: number): OfferedRelease {
  return {
    id,
    version: '',
    sequence,
    floor: 0,
    keyId: wanted.keyId ?? ANY_KEY,
    isStated: true,
    requirement: readRequirement(wanted),
    sha256: '',
    sizeBytes: 0,
    notes: '',
    signature: null,
    statement: null,
    statementSignature: null,
  }
}

/** Which devices a percentage takes is drawn with the id that the rollout will have. */
function isDrawn({ audience: { percentage } }: CatalogRollout): boolean {
  return percentage > 0 && percentage < 100
}

function checkOf(device: SampledDevice): UpdateCheck {
  const trust = trustOf(device)
  const releaseId = device.current_release_id
  return {
    deviceId: device.device_id,
    nativeVersion: device.native_version ?? undefined,
    runtimeVersion: device.runtime_version ?? undefined,
    current: releaseId === null ? { kind: 'embedded' } : { kind: 'release', id: releaseId },
    failedReleaseIds: [],
    cohorts: JSON.parse(device.cohorts) as string[],
    attributes: {
      osVersion: device.os_version ?? undefined,
      model: device.model ?? undefined,
      locale: device.locale ?? undefined,
      nativeBuild: device.native_build ?? undefined,
    },
    trust: trust && trust.keyIds.length > 0 ? { ...trust, keyIds: [...trust.keyIds, ANY_KEY] } : trust,
  }
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
