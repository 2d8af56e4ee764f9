import { systemTimers, type CancelTimer, type Timers } from '../../clock.ts'
import { chooseServer, describeLook, latestTimeline, type Look, type ServerState } from './choose-server.ts'
import { lookAtServer } from './look-at-server.ts'
import type { PostgresServer, ServerList } from './server-list.ts'

/** How often to look whether another server has taken over: one that is cut off does not say that it was replaced. */
const WATCH_MS = 5_000
/** Between looks that found nobody, however many ask. */
const REST_MS = 500

/** None of the servers of an address is as wanted. PostgreSQL's own library says the same when it can connect to none. */
export class NoServerError extends Error {
  override name = 'NoServerError'
  readonly code = '08001'
}

/** Which server to use, the same for all connections of one address. */
export interface ServerChoice {
  /** @throws NoServerError */
  find(): Promise<PostgresServer>
  /** Something went wrong with it: whoever asks next has it looked for anew. */
  doubt(server: PostgresServer): void
  /** Hears that another one is used from now on. Returns what ends that. */
  onChange(listener: (server: PostgresServer) => void): () => void
  close(): void
}

/**
 * Of a list of one it is that one, whatever it is, unless something is wanted of it. Of several all are looked at: when
 * somebody asks first, when something went wrong with the one in use, and every few seconds.
 */
export function createServerChoice(
  { servers, wanted }: ServerList,
  {
    look = lookAtServer,
    timers = systemTimers,
  }: { look?: (server: PostgresServer) => Promise<ServerState>; timers?: Timers } = {},
): ServerChoice {
  const [only] = servers
  if (only && servers.length === 1 && wanted === 'any') return alwaysThis(only)

  const listeners = new Set<(server: PostgresServer) => void>()
  let inUse: PostgresServer | undefined
  let isDoubted = false
  let timeline = 0
  let looking: Promise<PostgresServer> | undefined
  let failed: NoServerError | undefined
  let cancelWatch: CancelTimer | undefined
  let cancelRest: CancelTimer | undefined
  let isClosed = false

  async function find(): Promise<PostgresServer> {
    watchLater()
    if (inUse && !isDoubted) return inUse
    if (failed) throw failed
    return lookAgain()
  }

  function lookAgain(): Promise<PostgresServer> {
    return (looking ??= lookAround().finally(() => (looking = undefined)))
  }

  async function lookAround(): Promise<PostgresServer> {
    const looks = await Promise.all(servers.map(lookAt))
    timeline = Math.max(timeline, latestTimeline(looks))
    const chosen = chooseServer(looks, wanted, { inUse, timeline })
    if (!chosen) return sayNone(looks)
    const { server } = chosen
    isDoubted = false
    if (server !== inUse) {
      inUse = server
      for (const listener of listeners) listener(server)
    }
    return server
  }

  async function lookAt(server: PostgresServer): Promise<Look> {
    return { server, seen: await look(server).catch((error: unknown) => ({ error })) }
  }

  /** Whoever asks meanwhile is told the same. */
  function sayNone(looks: readonly Look[]): never {
    isDoubted = true
    const said = looks.map((each) => describeLook(each, timeline)).join('; ')
    failed = new NoServerError(
      `None of the servers of the database is one for target_session_attrs=${wanted}: ${said}.`,
    )
    cancelRest = timers.after(REST_MS, () => (failed = undefined))
    throw failed
  }

  function watchLater(): void {
    if (servers.length === 1 || cancelWatch || isClosed) return
    cancelWatch = timers.after(WATCH_MS, () => {
      cancelWatch = undefined
      // Whoever needs one is told that there is none.
      lookAgain()
        .catch(() => undefined)
        .finally(watchLater)
    })
  }

  return {
    find,
    doubt(server) {
      if (server === inUse) isDoubted = true
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      isClosed = true
      cancelWatch?.()
      cancelRest?.()
      listeners.clear()
    },
  }
}

function alwaysThis(server: PostgresServer): ServerChoice {
  return {
    find: () => Promise.resolve(server),
    doubt: () => undefined,
    onChange: () => () => undefined,
    close: () => undefined,
  }
}
