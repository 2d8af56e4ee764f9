import { setTimeout as wait } from 'node:timers/promises'
import {
  ApiProblem,
  createManagementClient,
  UnexpectedAnswer,
  type ManagementClient,
} from '../packages/api/src/management-client.ts'
import type { Findings } from './findings.ts'
import type { SoakServer } from './machines/soak-server.ts'
import type { Random } from './random.ts'
import { disturbancesOf, type Timeline } from './timeline.ts'

/** What somebody knows after having asked. */
export type Outcome<Value> =
  | { kind: 'acknowledged'; value: Value }
  | { kind: 'refused'; problem: ApiProblem }
  /** Perhaps it was done, and perhaps not. */
  | { kind: 'unsure' }

/** Nobody knows what came of it. */
export class GaveUp extends Error {
  override name = 'GaveUp'
}

export interface Asked {
  /** Undefined: any. */
  server?: number | undefined
  /** Ended by who asks: what comes of it is nobody's fault. */
  isCutOff?: boolean
}

const REQUEST_TIMEOUT_MS = 30_000
/** Of a request with bytes, which the client leaves to the caller. */
const UPLOAD_TIMEOUT_MS = 120_000
const INSIST_MS = 300_000
const PAUSE_MS = 250

export type Asking = ReturnType<typeof createAsking>

/** Asks the management API of any server, and holds its answers against what may be answered at all. */
export function createAsking(of: {
  servers: readonly SoakServer[]
  timeline: Timeline
  findings: Findings
  random: Random
}) {
  const { servers, timeline, findings, random } = of
  const token = () => servers.map((server) => server.ownerToken()).find((each) => each !== '') ?? ''
  const boundedFetch: typeof fetch = (address, init) =>
    fetch(address, { ...init, signal: init?.signal ?? AbortSignal.timeout(UPLOAD_TIMEOUT_MS) })

  function clientOf(server: number): ManagementClient {
    const url = servers[server]?.url ?? ''
    return createManagementClient({ url, token: token(), fetch: boundedFetch, timeoutMs: REQUEST_TIMEOUT_MS })
  }

  async function ask<Value>(
    call: (api: ManagementClient) => Promise<Value>,
    { server = random.below(servers.length), isCutOff = false }: Asked = {},
  ): Promise<Outcome<Value>> {
    const startedAt = timeline.now()
    findings.count('management requests')
    try {
      const value = await call(clientOf(server))
      findings.expectThat('no-internal-error', true, () => '')
      findings.most('longest management request, ms', timeline.now() - startedAt)
      return { kind: 'acknowledged', value }
    } catch (error) {
      return judge(error, server, startedAt, isCutOff)
    }
  }

  function judge<Value>(error: unknown, server: number, startedAt: number, isCutOff: boolean): Outcome<Value> {
    const isProblem = error instanceof ApiProblem
    if (!isProblem && !(error instanceof Error)) throw error
    if (error instanceof UnexpectedAnswer) throw error
    const status = isProblem ? error.status : 0
    if (isProblem && status < 500 && status !== 429) {
      findings.expectThat('no-internal-error', true, () => '')
      return { kind: 'refused', problem: error }
    }
    const isExcused = isCutOff || timeline.wasDisturbed(startedAt, ...disturbancesOf(server))
    const when = isExcused ? '' : ' in calm'
    findings.count(
      status === 0 ? `management requests without an answer${when}` : `management requests answered ${status}${when}`,
    )
    // A 503 says that it may be asked again: where nothing was broken on purpose, it is counted by itself.
    findings.expectThat('no-internal-error', status !== 500, () => `Server ${server}${when}: ${describeError(error)}`)
    return { kind: 'unsure' }
  }

  /** Until it is known what came of it. For what may be asked again. @throws ApiProblem when it is refused */
  async function insist<Value>(
    call: (api: ManagementClient) => Promise<Value>,
    { server, isCutOff }: Asked = {},
  ): Promise<Value> {
    const deadline = timeline.now() + INSIST_MS
    for (;;) {
      const outcome = await ask(call, { server, ...(isCutOff !== undefined && { isCutOff }) })
      if (outcome.kind === 'acknowledged') return outcome.value
      if (outcome.kind === 'refused') throw outcome.problem
      if (timeline.now() > deadline) throw new GaveUp(`No server gave a certain answer within ${INSIST_MS} ms.`)
      findings.count('management requests asked again')
      await wait(PAUSE_MS)
    }
  }

  return { ask, insist, token }
}

/** With its causes. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `; ${describeError(error.cause)}`
  return `${error.name}: ${error.message}${cause}`
}
