import type { FastifyBaseLogger } from 'fastify'
import type { CohortMembers } from '../rolling-out/cohorts/cohort-members.ts'
import type { ChangeFeed } from '../ground/database/change-feed.ts'
import type { CatalogChange } from '../rolling-out/rollouts/rollout-service.ts'
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

  async function reload({ appId, channel, platforms }: CatalogChange): Promise<void> {
    await Promise.all(platforms.map((platform) => catalogs.reload({ appId, channel, platform })))
  }

  async function announceCatalogs(change: CatalogChange): Promise<void> {
    await takeOver(reload(change))
    await feed.announce('catalogs', JSON.stringify(change))
  }

  async function announceApps(): Promise<void> {
    await takeOver(catalogs.reloadDirectory())
    await feed.announce('catalogs', '')
  }

  async function announceCohorts(): Promise<void> {
    await takeOver(cohorts.refresh())
    await feed.announce('catalogs', '')
  }

  /** What is announced while one runs may have come too late for it: there is another one behind it. */
  function refresh(): Promise<void> {
    isAskedAgain = refreshing !== undefined
    refreshing ??= refreshAll().finally(() => {
      refreshing = undefined
      if (isAskedAgain) void refresh()
    })
    return refreshing
  }

  async function refreshAll(): Promise<void> {
    await takeOver(catalogs.refresh())
    await takeOver(cohorts.refresh())
  }

  /** A server of another version may say it otherwise: then it is not known what changed. */
  function hear(change: string): void {
    const told = readChange(change)
    void (told ? takeOver(reload(told)) : refresh())
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

  return { start, announceApps, announceCatalogs, announceCohorts, close }
}

function readChange(text: string): CatalogChange | undefined {
  if (text === '') return undefined
  try {
    const { appId, channel, platforms } = JSON.parse(text) as Partial<CatalogChange>
    return appId !== undefined && channel !== undefined && Array.isArray(platforms)
      ? { appId, channel, platforms }
      : undefined
  } catch {
    // Whatever it meant, a refresh finds it.
    return undefined
  }
}
