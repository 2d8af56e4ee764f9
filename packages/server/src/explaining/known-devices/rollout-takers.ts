import { Problem } from '@hotpatch/protocol'
import { type Clock, MINUTE_MS } from '../../ground/clock.ts'
import type { SampledDevice } from '../../fleet/devices/device-queries.ts'
import { ATTEMPTED } from '../../fleet/progress/rollout-progress.ts'
import type { CountTakers, RolloutPlace, Takers } from '../../rolling-out/rollouts/takers.ts'
import type { DirectoryEntry } from '../../updates/catalog-queries.ts'
import type { Catalogs, LiveCatalog } from '../../updates/catalogs.ts'
import { checkOf, MAX_JUDGED, type KnownDevices } from './known-devices.ts'
import type { UpdateService } from '../../updates/update-service.ts'

/** Plans are looked at every few seconds, and fleets change slowly. */
const KEPT_MS = 5 * MINUTE_MS
const MAX_KEPT = 1_000

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

  const count: CountTakers = async (rollout) => {
    const app = catalogs.findApp(rollout.app_id)
    if (!app) return undefined
    const platforms = rollout.platform === 'any' ? app.platforms : [rollout.platform]
    const places = new Map(platforms.map((platform) => [platform, catalogs.get(app, platform, rollout.channel)]))
    const generations = [...places.values()].map(({ generation }) => generation).join()
    const known = kept.get(rollout.id)
    if (known && known.generations === generations && clock.now() - known.at < KEPT_MS) return known.takers
    const takers = await inTurn(() => countNow(app, rollout, places))
    if (!takers) return undefined
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(rollout.id, { at: clock.now(), generations, takers })
    return takers
  }

  /** A fleet that cannot be asked now, for all the other questions under way, is asked again another time. */
  async function inTurn(ask: () => Promise<Takers>): Promise<Takers | undefined> {
    try {
      return await knownDevices.inTurn(ask)
    } catch (error) {
      if (error instanceof Problem && error.type === 'too-many-requests') return undefined
      throw error
    }
  }

  async function countNow(
    app: DirectoryEntry,
    rollout: RolloutPlace,
    places: ReadonlyMap<string, LiveCatalog>,
  ): Promise<Takers> {
    const nobody = { audience: 0, canTake: 0, left: 0, reasons: new Map(), refusals: new Map(), unmet: new Map() }
    const takers: Takers = { ...nobody, untold: 0, judged: 0, isSample: false, countedAt: clock.now() }
    for await (const device of knownDevices.sample(app)) {
      takers.judged += 1
      const catalog = places.get(device.platform)
      if (!catalog || device.channel !== rollout.channel || device.gone_at !== null) continue
      addTo(takers, catalog, device, rollout.id)
    }
    // A fleet of exactly so many is called a sample, which is no lie that hurts.
    takers.isSample = takers.judged >= MAX_JUDGED
    return takers
  }

  function addTo(takers: Takers, catalog: LiveCatalog, device: SampledDevice, rolloutId: string): void {
    const check = checkOf(device)
    const { decision } = updates.answer(catalog, check, { trace: true })
    const trace = decision.trace?.rollouts.find((each) => each.rolloutId === rolloutId)
    const against = (trace?.verdicts ?? []).filter(({ reason }) => reason !== null)
    if (!trace || against.some(({ rule }) => rule === 'D5')) return
    takers.audience += 1
    const hasTried = device.rollout_id === rolloutId && (device.progress & ATTEMPTED) !== 0
    // On whom it failed, it was tried.
    const refusal = against.find(({ rule }) => rule !== 'D4')?.reason
    if (!hasTried && !check.trust) takers.untold += 1
    if (refusal && !hasTried) {
      addOne(takers.reasons, refusal)
      const refuses = against.find(({ rule }) => rule === 'D11')?.reason
      const isUnmet = against.find(({ rule }) => rule === 'D3')?.reason
      if (refuses) addOne(takers.refusals, refuses)
      else if (isUnmet) addOne(takers.unmet, isUnmet)
      return
    }
    takers.canTake += 1
    if (trace.outcome === 'target' && decision.kind !== 'up-to-date' && !hasTried) takers.left += 1
  }

  return { count }
}

function addOne<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
