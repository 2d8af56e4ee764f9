import type { PostgresServer, Wanted } from './server-list.ts'

/** What a server says of itself. */
export interface ServerState {
  /** It replays what another one writes. */
  isStandby: boolean
  /** Sessions write unless they say otherwise. */
  isWritable: boolean
  /** Rises with each promotion; null where it cannot be told, as on some services that are not quite PostgreSQL. */
  timeline: number | null
}

/** A server and what came of looking at it. */
export interface Look {
  server: PostgresServer
  seen: ServerState | { error: unknown }
}

/**
 * The server to use: of those that are as wanted the one of the latest timeline, of these the one in use, else the first.
 * One that writes on an earlier timeline than was ever seen is a primary that was replaced, and does not know it: what is
 * written there would be lost.
 */
export function chooseServer(
  looks: readonly Look[],
  wanted: Wanted,
  { inUse, timeline }: { inUse: PostgresServer | undefined; timeline: number },
): Look | undefined {
  const good = looks.filter(({ seen }) => !('error' in seen) && isAsWanted(seen, wanted) && !isReplaced(seen, timeline))
  const preferred = wanted === 'prefer-standby' && good.some(isStandby) ? good.filter(isStandby) : good
  const latest = Math.max(...preferred.map(timelineOf))
  const equal = preferred.filter((look) => timelineOf(look) === latest)
  return equal.find(({ server }) => server === inUse) ?? equal[0]
}

/** The latest that a server which writes is on; 0 where nobody can tell. */
export function latestTimeline(looks: readonly Look[]): number {
  return Math.max(0, ...looks.map(timelineOf))
}

function isAsWanted({ isStandby, isWritable }: ServerState, wanted: Wanted): boolean {
  switch (wanted) {
    case 'any':
    case 'prefer-standby':
      return true
    case 'read-write':
      return isWritable && !isStandby
    case 'read-only':
      return !isWritable || isStandby
    case 'primary':
      return !isStandby
    case 'standby':
      return isStandby
  }
}

function isReplaced({ isStandby, timeline }: ServerState, latest: number): boolean {
  return !isStandby && timeline !== null && timeline < latest
}

function isStandby({ seen }: Look): boolean {
  return !('error' in seen) && seen.isStandby
}

/** A standby's is its primary's. */
function timelineOf({ seen }: Look): number {
  return 'error' in seen || seen.isStandby ? 0 : (seen.timeline ?? 0)
}

/** For whoever has to find out why none is good. */
export function describeLook({ server, seen }: Look, latest: number): string {
  if ('error' in seen) return `${server.name}: ${sayError(seen.error)}`
  if (isReplaced(seen, latest)) return `${server.name}: writes on timeline ${seen.timeline}, and ${latest} was seen`
  return `${server.name}: ${seen.isStandby ? 'a standby' : seen.isWritable ? 'a primary' : 'reads only'}`
}

function sayError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error ? first.message : String(first)
}
