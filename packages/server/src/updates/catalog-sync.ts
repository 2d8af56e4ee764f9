import type { FastifyBaseLogger } from 'fastify'
import type { CohortMembers } from '../rolling-out/cohorts/cohort-members.ts'
import type { ChangeFeed } from '../ground/database/change-topics.ts'
import type { CatalogPlaces, Raised } from '../ground/database/changes.ts'
import type { Catalogs } from './catalogs.ts'

/** Keeps the catalogs and cohorts in memory as the database has them: by what this server changes, by what others tell, and by time. */
export function createCatalogSync({
  catalogs,
  cohorts,
  feed,
  intervalMs,
  log,
}: {
  catalogs: Catalogs
  cohorts: CohortMembers
  feed: ChangeFeed
  intervalMs: number
  log: FastifyBaseLogger
}) {
  let timer: NodeJS.Timeout | undefined
  let refreshing: Promise<void> | undefined
  let isAskedAgain = false

  /** The change is committed: a failure here is mended by the next refresh, and must not look like one of the change. */
  async function takeOver(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => log.error({ err: error }, 'a catalog could not be compiled anew'))
  }

  async function reload({ appId, channel, platforms }: CatalogPlaces): Promise<void> {
    await Promise.all(platforms.map((platform) => catalogs.reload({ appId, channel, platform })))
  }

  /** After a commit: this server answers by it, and the others are told. */
  async function raise({ catalogs: raised = [], apps = false, cohorts: hasMembers = false }: Raised): Promise<void> {
    if (apps) await takeOver(catalogs.reloadDirectory())
    if (hasMembers) await takeOver(cohorts.refresh())
    for (const places of raised) {
      await takeOver(reload(places))
      await feed.send('catalogs', JSON.stringify(places))
    }
    if (apps || hasMembers) await feed.send('catalogs', '')
  }

  /** What is asked for while one runs may have come too late for it: there is another one behind it. */
  function refresh(): Promise<void> {
    isAskedAgain = refreshing !== undefined
    refreshing ??= refreshAll().finally(() => {
      refreshing = undefined
      if (isAskedAgain) void refresh()
    })
    return refreshing
  }

  /** Of what is there now: one that runs may have passed it already. */
  async function refreshAnew(): Promise<void> {
    if (!refreshing) return refresh()
    isAskedAgain = true
    await refreshing
    // The one behind it.
    await refreshing
  }

  async function refreshAll(): Promise<void> {
    await takeOver(catalogs.refresh())
    await takeOver(cohorts.refresh())
  }

  /** A server of another version may say it otherwise: then it is not known what changed. */
  function hear(change: string): Promise<void> {
    const told = readPlaces(change)
    return told ? takeOver(reload(told)) : refreshAnew()
  }

  function start(): void {
    feed.on('catalogs', hear)
    timer = setInterval(() => void refresh(), intervalMs).unref()
  }

  async function close(): Promise<void> {
    clearInterval(timer)
    isAskedAgain = false
    await refreshing
  }

  return { start, raise, close }
}

function readPlaces(text: string): CatalogPlaces | undefined {
  if (text === '') return undefined
  try {
    const { appId, channel, platforms } = JSON.parse(text) as Partial<CatalogPlaces>
    return appId !== undefined && channel !== undefined && Array.isArray(platforms)
      ? { appId, channel, platforms }
      : undefined
  } catch {
    // Whatever it meant, a refresh finds it.
    return undefined
  }
}
