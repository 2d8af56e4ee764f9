import type { FastifyBaseLogger } from 'fastify'
import type { CancelTimer, Timers } from '../../ground/clock.ts'
import type { Traces } from '../../ground/traces/traces.ts'

interface Task {
  name: string
  run: () => Promise<void>
}

/**
 * What the server does by itself, again and again, in this order: guards look before plans go on.
 * Every server does it; that two do it at once is settled in the database.
 * @param courses one after the other; a task that fails ends its own course, and none of the others
 */
export function createAutomation({
  courses,
  intervalMs,
  timers,
  traces,
  log,
}: {
  courses: readonly (readonly Task[])[]
  intervalMs: number
  timers: Timers
  traces: Pick<Traces, 'run'>
  log: Pick<FastifyBaseLogger, 'error'>
}) {
  let cancel: CancelTimer | undefined
  let last: Promise<void> = Promise.resolve()
  let isRunning = false

  /** One round. Called while another is under way, it is the next one, so that it sees all that was there at the call. */
  function tick(): Promise<void> {
    last = last.then(runRound)
    return last
  }

  async function runRound(): Promise<void> {
    for (const course of courses) await runCourse(course)
  }

  async function runCourse(tasks: readonly Task[]): Promise<void> {
    for (const { name, run } of tasks) {
      try {
        await traces.run({ name: `automation ${name}` }, run)
      } catch (error) {
        log.error({ err: error, task: name }, 'a task of the automation failed; the next round tries again')
        // A plan does not go on while its guard could not look.
        return
      }
    }
  }

  function schedule(): void {
    if (!isRunning) return
    cancel = timers.after(intervalMs, () => void tick().then(schedule))
  }

  function start(): void {
    isRunning = true
    schedule()
  }

  /** No rounds from now on; resolves when the one under way is done. */
  async function stop(): Promise<void> {
    isRunning = false
    cancel?.()
    await last
  }

  return { tick, start, stop }
}
