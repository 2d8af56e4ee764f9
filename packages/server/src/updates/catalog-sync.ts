import type { FastifyBaseLogger } from 'fastify'
import { openChangeFeed, type ChangeFeed } from '../database/change-feed.ts'
import type { DatabaseConfig } from '../database/open-database.ts'
import type { Database } from '../database/schema.ts'
import type { CatalogChange } from '../rollouts/rollout-service.ts'
import type { Catalogs } from './catalogs.ts'

/** Keeps the catalogs in memory as the database has them: by what this server changes, by what others tell, and by time. */
export function createCatalogSync({
  catalogs,
  db,
  database,
  intervalMs,
  log,
}: {
  catalogs: Catalogs
  db: Database
  database: DatabaseConfig
  intervalMs: number
  log: FastifyBaseLogger
}) {
  let feed: ChangeFeed | undefined
  let timer: NodeJS.Timeout | undefined
  let isRefreshing = false

  /** The change is committed: a failure here is mended by the next refresh, and must not look like one of the change. */
  async function takeOver(work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => log.error({ err: error }, 'a catalog could not be compiled anew'))
  }

  async function reload({ appId, channel, platforms }: CatalogChange): Promise<void> {
    await Promise.all(platforms.map((platform) => catalogs.reload({ appId, channel, platform })))
  }

  async function announceCatalogs(change: CatalogChange): Promise<void> {
    await takeOver(reload(change))
    await feed?.announce(JSON.stringify(change))
  }

  async function announceApps(): Promise<void> {
    await takeOver(catalogs.reloadDirectory())
    await feed?.announce('')
  }

  async function refresh(): Promise<void> {
    if (isRefreshing) return
    isRefreshing = true
    await takeOver(catalogs.refresh())
    isRefreshing = false
  }

  function start(): void {
    feed = openChangeFeed(database, db, {
      onChange: (topic) => void (topic === '' ? refresh() : takeOver(reload(JSON.parse(topic) as CatalogChange))),
      onError: (error) => log.warn({ err: error }, 'changes by other servers are not heard; refreshing by time'),
    })
    timer = setInterval(() => void refresh(), intervalMs).unref()
  }

  async function close(): Promise<void> {
    clearInterval(timer)
    await feed?.close()
  }

  return { start, announceApps, announceCatalogs, close }
}
