import { isAllowedAddress } from './addresses.ts'
import { jsonFromUtf8, utf8FromText } from './bytes.ts'
import { AnswerTooLongError, backoff, exchangeSmall, retryAfter, sleep, type SmallAnswer } from './exchange.ts'
import type { Ports } from './ports.ts'
import type { Report } from './report.ts'
import type { Settings } from './settings.ts'
import { isFinalStatus, messageOf, UpdateError } from './update-error.ts'

export interface CheckRequest {
  version: string
  /** Absent when embedded runs. */
  releaseId?: string
  failedReleaseIds: readonly string[]
}

export type Delivery = 'accepted' | 'unwanted' | 'later'

export type ServerApi = ReturnType<typeof createServerApi>

/** The React Native contract, as the device sees it. */
export function createServerApi({ http, clock, host }: Pick<Ports, 'http' | 'clock' | 'host'>, settings: Settings) {
  const { limits } = settings
  const server = settings.serverUrl.replace(/\/+$/, '')
  const device = {
    appId: settings.appId,
    deviceId: settings.deviceId,
    platform: host.platform,
    channel: settings.channel,
  }
  // A server that asked for patience is not asked again before; forgotten with the process, as a start is rare.
  let notBefore = 0

  async function post(path: string, body: unknown): Promise<SmallAnswer> {
    const url = server + path
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw new UpdateError('insecure-url', `the server's address is not https: ${server}`)
    }
    const wait = notBefore - clock.now()
    if (wait > 0) throw new UpdateError('check-failed', 'the server asked to wait', { retryAfterMs: wait })
    const headers = { 'x-app-key': settings.appKey, 'content-type': 'application/json', accept: 'application/json' }
    const request = { method: 'POST' as const, url, headers, body: utf8FromText(JSON.stringify(body)) }
    const bounds = { maxBytes: limits.answerBytes, timeoutMs: limits.requestTimeoutMs }
    const answer = await exchangeSmall({ http, clock }, request, bounds)
    if (answer.status === 429 || answer.status === 503) {
      notBefore = clock.now() + (retryAfter(answer.headers, clock.now(), limits.retryAfterMaxMs) ?? 0)
    }
    return answer
  }

  async function checkOnce(body: unknown): Promise<unknown> {
    let answer: SmallAnswer
    try {
      answer = await post('/update/check', body)
    } catch (cause) {
      if (cause instanceof UpdateError) throw cause
      if (cause instanceof AnswerTooLongError) throw new UpdateError('answer-invalid', cause.message, { cause })
      throw new UpdateError('check-failed', `the server was not reached: ${messageOf(cause)}`, { cause })
    }
    const json = jsonFromUtf8(answer.body)
    const { status } = answer
    if (status !== 200) throw new UpdateError('check-failed', describeProblem(status, json), { status })
    if (json === undefined) throw new UpdateError('answer-invalid', 'the answer to the check is not JSON')
    return json
  }

  /** The answer's JSON, unread. Tries again only where that can help, and never against the server's wish. */
  async function check({ releaseId, ...request }: CheckRequest): Promise<unknown> {
    const { nativeVersion, runtimeVersion } = host
    const body = {
      ...device,
      ...request,
      ...(releaseId !== undefined && { releaseId }),
      nativeVersion,
      ...(runtimeVersion !== undefined && { runtimeVersion }),
      ...(settings.cohorts.length > 0 && { cohorts: settings.cohorts }),
    }
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await checkOnce(body)
      } catch (error) {
        const mayHelp =
          error instanceof UpdateError && error.code === 'check-failed' && !isFinalStatus(error.status ?? 0)
        if (!mayHelp || notBefore > clock.now() || attempt + 1 >= limits.attempts) throw error
        await sleep(clock, backoff(clock, attempt, limits))
      }
    }
  }

  async function report({ nativeVersion, ...report }: Report): Promise<Delivery> {
    try {
      const { status } = await post('/installations', { ...device, ...report, nativeVersion })
      if (status >= 200 && status < 300) return 'accepted'
      // A report that the server will never take must not stand in the way of the others.
      return isFinalStatus(status) && status !== 401 ? 'unwanted' : 'later'
    } catch {
      // No network, or not before a certain time: the outbox keeps it.
      return 'later'
    }
  }

  return { check, report }
}

function describeProblem(status: number, json: unknown): string {
  const detail = typeof json === 'object' && json !== null && 'detail' in json ? `: ${String(json.detail)}` : ''
  return `the server answered ${status}${detail}`
}
