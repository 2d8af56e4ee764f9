import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

export interface LoadFigures {
  answered: number
  failed: number
  /** What went wrong, each once. */
  problems: readonly string[]
  /** Longest time between one good answer and the next, of whichever connection. */
  longestSilenceMs: number
  /** What the slowest request took. */
  slowestMs: number
}

/** Between two requests of one connection: nobody is to measure how fast this machine is. */
const PAUSE_MS = 5
const TIMEOUT_MS = 30_000
const MAX_PROBLEMS = 10

/** Asks over a few connections that are kept, as browsers do, until it is stopped. */
export function startLoad(
  url: string,
  { connections, paths, pauseMs = PAUSE_MS }: { connections: number; paths: readonly string[]; pauseMs?: number },
) {
  const agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  const end = new AbortController()
  let period = newPeriod()
  const lives = agents.map((agent, index) => live(agent, index))

  async function live(agent: Agent, index: number): Promise<void> {
    for (let turn = index; !end.signal.aborted; turn += 1) {
      const startedAt = performance.now()
      const problem = await ask(agent, `${url}${paths[turn % paths.length]}`)
      note(startedAt, problem)
      await wait(pauseMs)
    }
  }

  function note(startedAt: number, problem: string | undefined): void {
    const now = performance.now()
    period.slowestMs = Math.max(period.slowestMs, now - Math.max(startedAt, period.startedAt))
    if (problem !== undefined) {
      period.failed += 1
      if (period.problems.size < MAX_PROBLEMS) period.problems.add(problem)
      return
    }
    period.answered += 1
    period.longestSilenceMs = Math.max(period.longestSilenceMs, now - period.lastAnswerAt)
    period.lastAnswerAt = now
  }

  /** Since it was last asked. */
  function take(): LoadFigures {
    const { startedAt: _, lastAnswerAt, problems, ...figures } = period
    const longestSilenceMs = Math.max(figures.longestSilenceMs, performance.now() - lastAnswerAt)
    period = newPeriod()
    return { ...figures, longestSilenceMs, problems: [...problems] }
  }

  async function stop(): Promise<void> {
    end.abort()
    for (const agent of agents) agent.destroy()
    await Promise.all(lives)
  }

  return { take, stop }
}

function newPeriod() {
  const now = performance.now()
  return {
    answered: 0,
    failed: 0,
    problems: new Set<string>(),
    longestSilenceMs: 0,
    slowestMs: 0,
    startedAt: now,
    lastAnswerAt: now,
  }
}

/** Undefined: it was answered well. */
async function ask(agent: Agent, url: string): Promise<string | undefined> {
  const first = await askOnce(agent, url)
  // A connection that was kept may be closed just as it is used: browsers ask again, on a new one.
  return first.isStale ? (await askOnce(agent, url)).problem : first.problem
}

function askOnce(agent: Agent, url: string): Promise<{ problem: string | undefined; isStale: boolean }> {
  return new Promise((resolve) => {
    const asking = request(url, { agent, timeout: TIMEOUT_MS }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        const { statusCode } = answer
        resolve({ problem: statusCode === 200 ? undefined : `answered with ${statusCode}`, isStale: false })
      })
      answer.on('error', (error) => resolve({ problem: error.message, isStale: false }))
    })
    asking.on('timeout', () => asking.destroy(new Error('took too long')))
    asking.on('error', (error) => resolve({ problem: error.message, isStale: asking.reusedSocket }))
    asking.end()
  })
}
