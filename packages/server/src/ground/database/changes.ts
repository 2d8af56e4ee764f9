import type { Platform } from '@hotpatch/protocol'
import type { Connection, Database } from './schema.ts'

/** The catalogs of one app and channel. */
export interface CatalogPlaces {
  appId: string
  channel: string
  platforms: readonly Platform[]
}

/** What servers have in memory of what was changed. */
export interface Raised {
  catalogs?: readonly CatalogPlaces[]
  /** Apps or their channels. */
  apps?: boolean
  /** Who is in a cohort. */
  cohorts?: boolean
}

/** A change under way: what is to be done when it is committed. */
export interface Change {
  /** Their generations have risen in this transaction. */
  raiseCatalogs(places: CatalogPlaces): void
  raiseApps(): void
  raiseCohorts(): void
  /** Something was written in this transaction that is to be announced. */
  announce(): void
}

export type Changes = ReturnType<typeof createChanges>

/** The unit of work: a transaction, and what follows from it once it is committed and never without that. */
export function createChanges({
  db,
  raise,
  announce,
}: {
  db: Database
  /** Resolves when this server answers by what was changed; it does not fail. */
  raise: (raised: Raised) => Promise<void>
  /** Whoever tells announcements looks for new ones. */
  announce: () => void
}) {
  async function run<Result>(work: (tx: Connection, change: Change) => Promise<Result>): Promise<Result> {
    const { change, raised, isAnnounced } = collect()
    const result = await db.transaction().execute((tx) => work(tx, change))
    await raise(raised())
    if (isAnnounced()) announce()
    return result
  }

  /** The very same, undone before anybody sees it: what it refuses, the real one would. */
  async function rehearse<Result>(work: (tx: Connection, change: Change) => Promise<Result>): Promise<Result> {
    const transaction = await db.startTransaction().execute()
    try {
      return await work(transaction, collect().change)
    } finally {
      await transaction.rollback().execute()
    }
  }

  return { run, rehearse }
}

function collect() {
  // By what they are, so that each is compiled once, however often it was raised.
  const catalogs = new Map<string, CatalogPlaces>()
  const about = { apps: false, cohorts: false, announcements: false }
  const change: Change = {
    raiseCatalogs: (places) => void catalogs.set(JSON.stringify(places), places),
    raiseApps: () => void (about.apps = true),
    raiseCohorts: () => void (about.cohorts = true),
    announce: () => void (about.announcements = true),
  }
  const raised = (): Raised => ({ catalogs: [...catalogs.values()], apps: about.apps, cohorts: about.cohorts })
  return { change, raised, isAnnounced: () => about.announcements }
}
