import type { Moment } from './faults/fault-plan.ts'

/** What is under way, so that a fault can come in the middle of it; and how to have everybody rest. */
export function createActivity() {
  const running = new Map<Moment, number>()
  const waiting = new Map<Moment, Set<() => void>>()
  let rest: Promise<void> | undefined
  let changing = 0
  let onRest: (() => void) | undefined

  async function during<Result>(moment: Moment, act: () => Promise<Result>): Promise<Result> {
    running.set(moment, (running.get(moment) ?? 0) + 1)
    for (const wake of waiting.get(moment) ?? []) wake()
    try {
      return await act()
    } finally {
      running.set(moment, (running.get(moment) ?? 0) - 1)
    }
  }

  /** Resolves in the middle of it: true; or false when it did not begin in that time. */
  function whenUnderWay(moment: Moment, timeoutMs: number): Promise<boolean> {
    if (moment === 'any' || (running.get(moment) ?? 0) > 0) return Promise.resolve(true)
    return new Promise((resolve) => {
      const others = waiting.get(moment) ?? new Set()
      waiting.set(moment, others)
      const settle = (isUnderWay: boolean) => {
        clearTimeout(timer)
        others.delete(wake)
        resolve(isUnderWay)
      }
      const wake = () => settle(true)
      const timer = setTimeout(() => settle(false), timeoutMs)
      others.add(wake)
    })
  }

  /** Whoever changes something does it in here: what is acknowledged and what is looked at never overlap. */
  async function change<Result>(act: () => Promise<Result>): Promise<Result> {
    for (let awaited: unknown; rest !== awaited; await awaited) awaited = rest
    changing++
    try {
      return await act()
    } finally {
      changing--
      if (changing === 0) onRest?.()
    }
  }

  /** When all changes have come to their end; none begins meanwhile. */
  async function atRest<Result>(look: () => Promise<Result>): Promise<Result> {
    const own = Promise.withResolvers<void>()
    rest = own.promise
    if (changing > 0) await new Promise<void>((resolve) => (onRest = resolve))
    onRest = undefined
    try {
      return await look()
    } finally {
      rest = undefined
      own.resolve()
    }
  }

  return { during, whenUnderWay, change, atRest }
}

export type Activity = ReturnType<typeof createActivity>
