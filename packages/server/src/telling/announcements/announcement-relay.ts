import type { FastifyBaseLogger } from 'fastify'
import type { ChangeFeed } from '../../ground/database/change-topics.ts'
import type { Connection } from '../../ground/database/schema.ts'
import type { CancelTimer, Timers } from '../../ground/clock.ts'
import type { Announcement, AnnouncementService } from './announcement-service.ts'

/**
 * Brings announcements from where they were recorded to where they are told, on every server: its own at once, those of
 * other servers through the change feed, and by time any that the feed missed.
 */
export function createAnnouncementRelay({
  announcements,
  receive,
  feed,
  timers,
  intervalMs,
  log,
}: {
  announcements: AnnouncementService
  /** Gets each announcement once, whichever server it is on, in the transaction that places it. */
  receive: (tx: Connection, placed: readonly Announcement[]) => Promise<void>
  feed: ChangeFeed
  timers: Timers
  intervalMs: number
  log: Pick<FastifyBaseLogger, 'error'>
}) {
  const listeners = new Set<() => void>()
  let running: Promise<void> | undefined
  let isAskedAgain = false
  let isStopped = false
  let cancelTimer: CancelTimer | undefined

  function run(): void {
    if (isStopped) return
    isAskedAgain = running !== undefined
    running ??= relay().finally(() => {
      running = undefined
      if (isAskedAgain) run()
    })
  }

  async function relay(): Promise<void> {
    cancelTimer?.()
    try {
      while ((await announcements.placeNew(receive)) > 0) {
        await feed.send('announcements', '')
        if (isStopped) return
      }
    } catch (error) {
      log.error({ err: error }, 'announcements could not be passed on; they are tried again')
    }
    // Also when there was nothing new here: another server may have placed some.
    for (const listener of listeners) listener()
    if (!isStopped) cancelTimer = timers.after(intervalMs, run)
  }

  /** Called when there may be placed announcements that the listener has not seen. Returns the function that ends it. */
  function onPlaced(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  function start(): void {
    announcements.onRecorded(run)
    feed.on('announcements', run)
    run()
  }

  async function stop(): Promise<void> {
    isStopped = true
    cancelTimer?.()
    await running
  }

  return { onPlaced, start, stop }
}
