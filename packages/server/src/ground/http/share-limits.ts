import type { CancelTimer, Clock, Timers } from '../clock.ts'
import type { Crew } from '../workers/crew.ts'
import { createRateLimiter, type RateLimiter, type SharedLimit } from './rate-limit.ts'

/** How long what has passed waits for more of it before others are told. */
const TELL_AFTER_MS = 10
/** What waits at once, of all limits: what is more is not told, and counts where it passed. */
const MAX_WAITING = 10_000

const TOPIC = 'passed'

/** Makes a limit that all processes of this machine keep together, known to them by its name. */
export type CreateLimiter = (name: string, perPeriod: number, periodMs?: number) => RateLimiter

export function createLimiters({ crew, clock, timers }: { crew: Crew; clock: Clock; timers: Timers }): CreateLimiter {
  const share = crew.size === 1 ? () => undefined : shareLimits(crew, timers)
  return (name, perPeriod, periodMs) => {
    const period = periodMs === undefined ? {} : { periodMs }
    return createRateLimiter({ perPeriod, ...period, clock, shared: share(name) })
  }
}

function shareLimits(crew: Crew, timers: Timers): (name: string) => SharedLimit {
  const listeners = new Map<string, (key: string, part: number) => void>()
  const waiting = new Map<string, [name: string, key: string, part: number]>()
  let cancel: CancelTimer | undefined

  crew.on(TOPIC, (body) => {
    for (const [name, key, part] of body as [string, string, number][]) listeners.get(name)?.(key, part)
  })

  function tell(name: string, key: string, part: number): void {
    const id = `${name} ${key}`
    const before = waiting.get(id)
    if (!before && waiting.size >= MAX_WAITING) return
    waiting.set(id, [name, key, part + (before?.[2] ?? 0)])
    cancel ??= timers.after(TELL_AFTER_MS, () => {
      cancel = undefined
      crew.tell(TOPIC, [...waiting.values()])
      waiting.clear()
    })
  }

  return (name) => ({
    size: crew.size,
    tell: (key, part) => tell(name, key, part),
    onTold: (spend) => void listeners.set(name, spend),
  })
}
