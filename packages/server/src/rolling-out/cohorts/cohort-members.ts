import { setImmediate } from 'node:timers/promises'
import type { Database } from '../../ground/database/schema.ts'
import { listGenerations, listMembers } from './cohort-store.ts'

const MEMBERS_PER_READ = 1_000
const NONE: readonly string[] = []

interface LoadedCohort {
  id: string
  name: string
  generation: number
  deviceIds: ReadonlySet<string>
}

export type CohortMembers = ReturnType<typeof createCohortMembers>

/** Who is in which cohort, in memory because a check awaits nothing: about 100 bytes for each member. */
export function createCohortMembers({ db }: { db: Database }) {
  let byApp = new Map<string, LoadedCohort[]>()
  let loading = Promise.resolve()

  /** The names of a device's cohorts. For the check path. */
  function cohortsOf(appId: string, deviceId: string): readonly string[] {
    const cohorts = byApp.get(appId)
    if (!cohorts) return NONE
    const names = cohorts.filter((cohort) => cohort.deviceIds.has(deviceId)).map((cohort) => cohort.name)
    return names.length === 0 ? NONE : names
  }

  /** How many members all cohorts of an app have, but for one: what they take in memory, on every server. */
  function countOthers(appId: string, cohortId: string): number {
    const others = byApp.get(appId)?.filter((cohort) => cohort.id !== cohortId) ?? []
    return others.reduce((sum, { deviceIds }) => sum + deviceIds.size, 0)
  }

  /** Takes over what changed since; one after the other, as of two at once the older must not win. */
  function refresh(): Promise<void> {
    const load = loading.then(loadChanged)
    loading = load.catch(() => undefined) // the caller is told
    return load
  }

  async function loadChanged(): Promise<void> {
    const known = new Map([...byApp.values()].flat().map((cohort) => [cohort.id, cohort]))
    const next = new Map<string, LoadedCohort[]>()
    for (const { id, app_id, name, generation } of await listGenerations(db)) {
      const before = known.get(id)
      const cohort =
        before?.generation === generation ? before : { id, name, generation, deviceIds: await loadMembers(id) }
      if (cohort.deviceIds.size === 0) continue
      const cohorts = next.get(app_id)
      if (cohorts) cohorts.push(cohort)
      else next.set(app_id, [cohort])
    }
    byApp = next
  }

  async function loadMembers(cohortId: string): Promise<ReadonlySet<string>> {
    const deviceIds = new Set<string>()
    let page: string[]
    let last: string | undefined
    do {
      page = await listMembers(db, cohortId, last, MEMBERS_PER_READ)
      last = page.at(-1)
      for (const deviceId of page) deviceIds.add(deviceId)
      // Checks that wait get their turn between the pages.
      await setImmediate()
    } while (page.length === MEMBERS_PER_READ)
    return deviceIds
  }

  return { cohortsOf, countOthers, refresh }
}
