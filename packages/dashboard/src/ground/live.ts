import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { currentApi } from './api.ts'

export type Connection = 'connecting' | 'open' | 'lost'

const RETRY_MS = [1000, 2000, 5000, 10_000]
/** What happens in quick succession is read once. */
const GATHER_MS = 400

/** Follows the live stream while it is mounted: what happens makes what is shown be read again. */
export function useLive(isSignedIn: boolean): Connection {
  const queries = useQueryClient()
  const [connection, setConnection] = useState<Connection>('connecting')
  useEffect(() => {
    if (!isSignedIn) return undefined
    const stop = new AbortController()
    void follow(queries, setConnection, stop.signal)
    return () => stop.abort()
  }, [queries, isSignedIn])
  return connection
}

async function follow(queries: QueryClient, tell: (connection: Connection) => void, signal: AbortSignal) {
  const refresh = gathered(() => void queries.invalidateQueries({ predicate: ({ meta }) => meta?.isLive !== false }))
  let lastId: string | undefined
  let failures = 0
  while (!signal.aborted) {
    try {
      const stream = currentApi().streamAnnouncements({ signal, ...(lastId !== undefined && { lastId }) })
      for await (const event of stream) {
        if (event.kind === 'open') {
          tell('open')
          // Whatever happened while there was no connection.
          if (failures > 0) refresh()
          failures = 0
        } else refresh()
        if (event.kind === 'announcement') lastId = event.announcement.id
      }
    } catch {
      // The next try says whether it is still so; what is shown goes by `tell`.
    }
    if (signal.aborted) return
    if (failures > 0) tell('lost')
    await sleep(RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 0, signal)
    failures += 1
  }
}

function gathered(act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      act()
    }, GATHER_MS)
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)

    function end() {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
  })
}
