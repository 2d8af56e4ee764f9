import cluster, { type Worker } from 'node:cluster'
import { SECOND_MS } from '../clock.ts'
import { createExchange } from './exchange.ts'
import type { FromPrimary, FromWorker } from './messages.ts'
import type { PrimaryLog } from './primary-log.ts'
import { createReplacement } from './replacement.ts'

/** What a worker has beside its requests, such as webhooks and the fleet's buffer, takes so long at most. */
const CLEAN_UP_MS = 20 * SECOND_MS

interface Member {
  worker: Worker
  /** From 0 to the number of workers: who takes whose place. */
  place: number
  state: 'starts' | 'serves' | 'leaves'
  servesSince: number | undefined
  onServing: PromiseWithResolvers<void>
  onEnd: PromiseWithResolvers<void>
}

/**
 * Starts the workers and keeps as many: one that dies is replaced, SIGHUP replaces one after the other, SIGTERM ends all.
 * The first starts alone, as it brings the database up to date and makes what is made once; when it does not get so far,
 * it has said why, and that is all. Resolves with the exit code.
 *
 * Workers take connections from a common listening socket, whoever is idle first. Handed out in turn by the primary, one
 * that is on its way to a worker that dies would hang for ever: nobody has it, and nobody closes it.
 */
export function runPrimary({
  size,
  stopSeconds,
  isAtTerminal,
  log,
}: {
  size: number
  stopSeconds: number
  isAtTerminal: boolean
  log: PrimaryLog
}): Promise<number> {
  const end = Promise.withResolvers<number>()
  const members = new Map<number, Member>()
  const replacement = createReplacement()
  const exchange = createExchange({ send })
  const patienceMs = stopSeconds * SECOND_MS + CLEAN_UP_MS
  let elected: Member | undefined
  let hasBegun = false
  let exitCode: number | undefined
  let restarting: Promise<void> | undefined
  let isRestartAskedAgain = false
  cluster.schedulingPolicy = cluster.SCHED_NONE

  function send(id: number, message: FromPrimary): void {
    const worker = members.get(id)?.worker
    // It may be about to end, which is heard of.
    if (worker?.isConnected()) worker.send(message, () => undefined)
  }

  function start(place: number): Member {
    const worker = cluster.fork()
    const [onServing, onEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    onServing.promise.catch(() => undefined) // only a restart asks
    const member: Member = { worker, place, state: 'starts', servesSince: undefined, onServing, onEnd }
    members.set(worker.id, member)
    worker.on('message', (message: FromWorker) => receive(member, message))
    worker.on('error', (error) =>
      log('error', 'a worker could not be spoken with', { worker: worker.id, err: { message: error.message } }),
    )
    worker.once('exit', (code, signal) => lose(member, code, signal))
    return member
  }

  function receive(member: Member, message: FromWorker): void {
    if (message.kind === 'serves') serve(member)
    else exchange.receive(member.worker.id, message)
  }

  function serve(member: Member): void {
    if (exitCode !== undefined) return
    member.state = 'serves'
    member.servesSince = performance.now()
    replacement.served()
    member.onServing.resolve()
    log('info', 'a worker serves', { worker: member.worker.id, workerPid: member.worker.process.pid })
    elect()
    if (hasBegun) return
    hasBegun = true
    for (let place = 1; place < size; place++) start(place)
  }

  /** One does what is to be done once; it is the one that has served the longest. */
  function elect(): void {
    if (elected?.state === 'serves') return
    elected = [...members.values()].find(({ state }) => state === 'serves')
    if (elected) send(elected.worker.id, { kind: 'elected' })
  }

  function lose(member: Member, code: number | null, signal: string | null): void {
    const { worker, place, state } = member
    members.delete(worker.id)
    if (elected === member) elected = undefined
    exchange.end(worker.id)
    member.onServing.reject(new Error('It ended before it served.'))
    member.onEnd.resolve()
    if (exitCode !== undefined) {
      if (members.size === 0) end.resolve(exitCode)
      return
    }
    // It has said why.
    if (!hasBegun) return end.resolve(code || 1)
    elect()
    const about = { worker: worker.id, workerPid: worker.process.pid, code, signal }
    if (state === 'leaves') return log(code === 0 ? 'info' : 'warn', 'a worker has left', about)
    log('error', 'a worker died', about)
    // A restart is at it: who is to replace it starts already, or it was that one itself.
    if (!isTaken(place)) replace(member)
  }

  function replace({ place, servesSince }: Member): void {
    const servedForMs = servesSince === undefined ? undefined : performance.now() - servesSince
    const othersServe = [...members.values()].some((other) => other.state !== 'starts')
    const next = replacement.afterDeath(place, { servedForMs }, othersServe)
    if (next.kind === 'give-up') {
      log('fatal', 'no worker gets up: the server ends', { starts: next.starts })
      return finish(1)
    }
    setTimeout(() => {
      if (exitCode === undefined && !isTaken(place)) start(place)
    }, next.afterMs)
  }

  function isTaken(place: number): boolean {
    return [...members.values()].some((other) => other.place === place && other.state !== 'leaves')
  }

  /** Another one serves before one leaves, so that somebody always does. */
  function restart(): void {
    if (exitCode !== undefined || !hasBegun) return
    isRestartAskedAgain = restarting !== undefined
    restarting ??= restartAll().finally(() => {
      restarting = undefined
      if (isRestartAskedAgain) restart()
    })
  }

  async function restartAll(): Promise<void> {
    log('info', 'the workers are restarted, one after the other')
    const those = [...members.values()].filter(({ state }) => state === 'serves')
    for (const old of those) {
      // Meanwhile it died, and was replaced.
      if (!members.has(old.worker.id)) continue
      const successor = start(old.place)
      try {
        await successor.onServing.promise
      } catch {
        log('error', 'a new worker did not get up: those that serve go on, and the restart ends here')
        return
      }
      if (exitCode !== undefined) return
      leave(old)
      await old.onEnd.promise
      if (successor.servesSince !== undefined) elect()
    }
    log('info', 'the workers are restarted')
  }

  function leave(member: Member): void {
    member.state = 'leaves'
    // Its duties are another's from now on.
    elect()
    send(member.worker.id, { kind: 'leave' })
    const timer = setTimeout(() => member.worker.process.kill('SIGKILL'), 2 * patienceMs)
    void member.onEnd.promise.then(() => clearTimeout(timer))
  }

  function finish(code: number): void {
    if (exitCode !== undefined) return
    exitCode = code
    if (members.size === 0) return end.resolve(code)
    for (const { worker } of members.values()) worker.process.kill('SIGTERM')
    const timer = setTimeout(() => {
      log('error', 'workers did not end in time, and are killed')
      for (const { worker } of members.values()) worker.process.kill('SIGKILL')
    }, patienceMs)
    void end.promise.then(() => clearTimeout(timer))
  }

  process.on('SIGTERM', () => finish(0))
  process.on('SIGINT', () => finish(0))
  // A terminal that is closed ends what runs in it.
  process.on('SIGHUP', () => (isAtTerminal ? finish(0) : restart()))
  start(0)
  return end.promise
}
