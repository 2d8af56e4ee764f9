import type { Clock } from '../clock.ts'
import type { SampledDevice } from '../devices/device-queries.ts'
import { ATTEMPTED } from '../fleet/rollout-progress.ts'
import type { Takers } from '../plans/plan-service.ts'
import type { RolloutRow } from '../rollouts/rollout-service.ts'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs, LiveCatalog } from './catalogs.ts'
import { checkOf, type KnownDevices } from './known-devices.ts'
import type { UpdateService } from './update-service.ts'

/** Plans are looked at every few seconds, and fleets change slowly. */
const KEPT_MS = 5 * 60_000
const MAX_KEPT = 1_000

type Place = Pick<RolloutRow, 'id' | 'app_id' | 'platform' | 'channel'>

/** Whom a rollout is for as it is now, and how many of them can take it: by the very function that answers checks. */
export function createRolloutTakers({
  catalogs,
  updates,
  knownDevices,
  clock,
}: {
  catalogs: Catalogs
  updates: UpdateService
  knownDevices: KnownDevices
  clock: Clock
}) {
  const kept = new Map<string, { at: number; generations: string; takers: Takers }>()

  /** Undefined when it cannot be said now. */
  async function count(rollout: Place): Promise<Takers | undefined> {
    const app = catalogs.findApp(rollout.app_id)
    if (!app) return undefined
    const platforms = rollout.platform === 'any' ? app.platforms : [rollout.platform]
    const places = new Map(platforms.map((platform) => [platform, catalogs.get(app, platform, rollout.channel)]))
    const generations = [...places.values()].map(({ generation }) => generation).join()
    const known = kept.get(rollout.id)
    if (known && known.generations === generations && clock.now() - known.at < KEPT_MS) return known.takers
    const takers = await knownDevices.inTurn(() => countNow(app, rollout, places))
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(rollout.id, { at: clock.now(), generations, takers })
    return takers
  }

  async function countNow(
    app: DirectoryEntry,
    rollout: Place,
    places: ReadonlyMap<string, LiveCatalog>,
  ): Promise<Takers> {
    const takers: Takers = { audience: 0, canTake: 0, left: 0, reasons: new Map() }
    for await (const device of knownDevices.sample(app)) {
      const catalog = places.get(device.platform)
      if (!catalog || device.channel !== rollout.channel || device.gone_at !== null) continue
      addTo(takers, catalog, device, rollout.id)
    }
    return takers
  }

  function addTo(takers: Takers, catalog: LiveCatalog, device: SampledDevice, rolloutId: string): void {
    const { decision } = updates.answer(catalog, checkOf(device), { trace: true })
    const trace = decision.trace?.rollouts.find((each) => each.rolloutId === rolloutId)
    const against = (trace?.verdicts ?? []).filter(({ reason }) => reason !== null)
    if (!trace || against.some(({ rule }) => rule === 'D5')) return
    takers.audience += 1
    const hasTried = device.rollout_id === rolloutId && (device.progress & ATTEMPTED) !== 0
    // On whom it failed, it was tried.
    const refusal = against.find(({ rule }) => rule !== 'D4')?.reason
    if (refusal && !hasTried) takers.reasons.set(refusal, (takers.reasons.get(refusal) ?? 0) + 1)
    if (refusal && !hasTried) return
    takers.canTake += 1
    if (trace.outcome === 'target' && decision.kind !== 'up-to-date' && !hasTried) takers.left += 1
  }

  return { count }
}
