import type { CancelTimer, Clock, Timers } from '../clock.ts'
import type { OtherServers } from '../redis/other-servers.ts'
import type { Crew } from '../workers/crew.ts'
import { createRateLimiter, type RateLimiter, type SharedLimit } from './rate-limit.ts'

/** How long what has passed waits for more of it before others are told: those of this machine, and those of others. */
const TELL_CREW_AFTER_MS = 10
const TELL_SERVERS_AFTER_MS = 100
/** What waits at once, of all limits: what is more is not told, and counts where it passed. */
const MAX_FOR_CREW = 10_000
const MAX_FOR_SERVERS = 500
/** Of what servers tell each other: nothing that is counted by has a longer name. */
const MAX_KEY_LENGTH = 256
/** Workers that are no more: what they told last comes within a second. */
const MAX_MATES = 1_000

const TOPIC = 'passed'

/** Of a limit by its name: for whom, and what part of what may pass in a period. */
type Passed = [name: string, key: string, part: number]

/** Makes a limit that all processes keep together, known to them by its name. */
export type CreateLimiter = (name: string, perPeriod: number, periodMs?: number) => RateLimiter

/** @param servers null: there are no others, but for the crew */
export function createLimiters({
  crew,
  servers = null,
  clock,
  timers,
}: {
  crew: Crew
  servers?: OtherServers | null
  clock: Clock
  timers: Timers
}): CreateLimiter {
  const share = crew.size === 1 && !servers ? () => undefined : shareLimits(crew, servers, timers)
  return (name, perPeriod, periodMs) => {
    const period = periodMs === undefined ? {} : { periodMs }
    return createRateLimiter({ perPeriod, ...period, clock, shared: share(name) })
  }
}

function shareLimits(crew: Crew, servers: OtherServers | null, timers: Timers): (name: string) => SharedLimit {
  const listeners = new Map<string, (key: string, part: number) => void>()
  /** By which ids other servers know the workers of this machine: what those tell by both ways counts once. */
  const mates = new Set<string>()
  let elsewhere = 0
  const ownId = servers?.id ?? ''
  const spend = ([name, key, part]: Passed) => listeners.get(name)?.(key, part)

  const forCrew =
    crew.size > 1 &&
    gather({
      timers,
      afterMs: TELL_CREW_AFTER_MS,
      max: MAX_FOR_CREW,
      tell: (passed) => crew.tell(TOPIC, [ownId, passed]),
    })
  const forServers =
    servers &&
    gather({
      timers,
      afterMs: TELL_SERVERS_AFTER_MS,
      max: MAX_FOR_SERVERS,
      tell: (passed) => void servers.tell(TOPIC, passed),
    })

  crew.on(TOPIC, (body) => {
    const [id, passed] = body as [string, Passed[]]
    if (servers) noteMate(id)
    for (const each of passed) spend(each)
  })
  servers?.on(TOPIC, (body, from) => {
    if (!mates.has(from)) for (const each of readPassed(body)) spend(each)
  })
  servers?.onOthers((ids) => {
    elsewhere = [...ids].filter((id) => !mates.has(id)).length
  })

  function noteMate(id: string): void {
    if (mates.has(id)) return
    const [oldest] = mates
    if (mates.size >= MAX_MATES && oldest !== undefined) mates.delete(oldest)
    mates.add(id)
  }

  return (name) => ({
    size: () => crew.size + elsewhere,
    tell(key, part) {
      if (forCrew) forCrew([name, key, part])
      if (forServers && elsewhere > 0 && key.length <= MAX_KEY_LENGTH) forServers([name, key, part])
    },
    onTold: (told) => void listeners.set(name, told),
  })
}

/** Waits a little, and then tells all of it together. */
function gather({
  timers,
  afterMs,
  max,
  tell,
}: {
  timers: Timers
  afterMs: number
  max: number
  tell: (passed: Passed[]) => void
}): (passed: Passed) => void {
  const waiting = new Map<string, Passed>()
  let cancel: CancelTimer | undefined
  return ([name, key, part]) => {
    const id = `${name} ${key}`
    const before = waiting.get(id)
    if (!before && waiting.size >= max) return
    waiting.set(id, [name, key, part + (before?.[2] ?? 0)])
    cancel ??= timers.after(afterMs, () => {
      cancel = undefined
      tell([...waiting.values()])
      waiting.clear()
    })
  }
}

/** Of servers, which may be of another version: nothing that they tell gives anybody more. */
function readPassed(body: unknown): Passed[] {
  return Array.isArray(body) ? body.slice(0, MAX_FOR_SERVERS).filter(isPassed) : []
}

function isPassed(item: unknown): item is Passed {
  if (!Array.isArray(item)) return false
  const [name, key, part] = item as unknown[]
  return typeof name === 'string' && typeof key === 'string' && typeof part === 'number' && part > 0
}
