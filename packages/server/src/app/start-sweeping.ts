import { DAY_MS, HOUR_MS } from '../ground/clock.ts'
import type { Core } from './core.ts'
import type { Services } from './services.ts'
import type { Telling } from './telling.ts'

/** Removes what nobody needs any more: at the start, and every hour. Returns the function that ends it. */
export function startSweeping(
  { traces, log }: Core,
  { spool, uploads, archivedBytes, artifacts, announcements, accounts, tokenExchange }: Services,
  { deliveries }: Telling,
) {
  const sweeps: Record<string, () => Promise<unknown>> = {
    spool: () => spool.sweepSpool(),
    uploads: () => uploads.sweep(),
    archivedBytes: async () => {
      const left = await archivedBytes.sweep()
      if (left.releases > 0) log.info(left, 'archived releases whose bytes are no longer kept')
    },
    artifacts: () => artifacts.sweepOrphans({ olderThanMs: DAY_MS }),
    announcements: () => announcements.sweep(),
    deliveries: () => deliveries.sweep(),
    identityTokens: () => tokenExchange.sweep(),
    accounts: () => accounts.sweep(),
  }

  let isStopped = false

  /** One that fails keeps none of the others from their work. */
  async function run(): Promise<void> {
    for (const [of, sweep] of Object.entries(sweeps)) {
      if (isStopped) return
      await traces.run({ name: `sweep ${of}` }, sweep).catch((error: unknown) => {
        // A stop does not wait for it, and takes the database from under it.
        if (!isStopped) log.warn({ err: error, of }, 'a sweep failed; the next is in an hour')
      })
    }
  }

  void run()
  const timer = setInterval(() => void run(), HOUR_MS).unref()
  return () => {
    isStopped = true
    clearInterval(timer)
  }
}
