import { ApiProblem, ServerUnreachable } from '@hotpatch/api'
import { QueryClient } from '@tanstack/react-query'

declare module '@tanstack/react-query' {
  interface Register {
    /** `isLive: false`: announcements do not make it be read again, as with long lists that somebody is reading. */
    queryMeta: { isLive?: boolean }
  }
}

/** Everything of one app is below this, so that what happens to the app can make it be read again. */
export const appKey = (app: string, ...rest: readonly unknown[]) => ['app', app, ...rest] as const
/** What is of the server as a whole. */
export const serverKey = (...rest: readonly unknown[]) => ['server', ...rest] as const

const MAX_TRIES = 3

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      // Whether the server is there, the server knows best: a machine without the internet may have one.
      networkMode: 'always',
      retry: (failures, error) => isWorthAnotherTry(error) && failures < MAX_TRIES,
    },
    mutations: { networkMode: 'always', retry: false },
  },
})

/** An answer stays the same; that none came, or that the server was busy, does not. */
function isWorthAnotherTry(error: unknown): boolean {
  return error instanceof ServerUnreachable || (error instanceof ApiProblem && error.status >= 502)
}
