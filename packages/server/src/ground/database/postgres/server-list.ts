/** Which of several servers are good for what is to be done there, in the words of PostgreSQL's own library. */
const WANTS = ['any', 'read-write', 'read-only', 'primary', 'standby', 'prefer-standby'] as const
export type Wanted = (typeof WANTS)[number]

/** One of them, by itself. */
export interface PostgresServer {
  /** Host and port: nothing in it is secret. */
  name: string
  url: string
}

export interface ServerList {
  servers: readonly PostgresServer[]
  wanted: Wanted
}

/** Each look asks all of them. */
export const MAX_SERVERS = 8

/**
 * Of an address such as `postgres://user:password@one:5432,two:5432/database?target_session_attrs=read-write`: the driver
 * takes one server, PostgreSQL's own library several.
 * @returns undefined when it is not such an address
 */
export function readServerList(address: string): ServerList | undefined {
  const [, scheme, user = '', hosts = '', rest] =
    /^(postgres(?:ql)?:\/\/)([^/?#]*@)?([^/?#]*)(.*)$/s.exec(address) ?? []
  if (scheme === undefined || rest === undefined) return undefined
  const servers = hosts.split(',').map((name) => ({ name, url: `${scheme}${user}${name}${rest}` }))
  if (servers.length > MAX_SERVERS) return undefined
  const isWhole = servers.length === 1 || servers.every(({ name }) => name !== '')
  if (!isWhole || !servers.every(({ url }) => URL.canParse(url))) return undefined
  const wanted = readWanted(new URL(servers[0]?.url ?? '').searchParams)
  return wanted && { servers, wanted }
}

function readWanted(query: URLSearchParams): Wanted | undefined {
  // One more place for several, which nobody would look for in two places.
  if (query.get('host')?.includes(',')) return undefined
  const given = query.get('target_session_attrs') ?? 'any'
  return WANTS.find((wanted) => wanted === given)
}
