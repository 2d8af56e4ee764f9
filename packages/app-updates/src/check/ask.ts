import {
  AnswerTooLongError,
  backOff,
  exchangeSmall,
  type HttpRequest,
  isAllowedAddress,
  messageOf,
  retryAfter,
  sleep,
  type Stopped,
} from '@hotpatch/device-ground'
import { AppUpdateError, mayHelp } from '../ground/app-update-error.ts'
import { textFromUtf8 } from '../ground/bytes.ts'
import type { Host } from '../ground/ports.ts'
import type { AppUpdaterOptions, Limits } from '../ground/settings.ts'
import { checkRequest } from '../contract/check-request.ts'
import { readCheckAnswer, type CheckOutcome } from '../contract/read-answer.ts'

type AskingHost = Pick<Host, 'http' | 'clock'>

/** App versions §5: one check, with its tries. @throws AppUpdateError */
export async function ask(
  host: AskingHost,
  options: AppUpdaterOptions,
  { limits, stopped }: { limits: Limits; stopped: Stopped },
): Promise<CheckOutcome> {
  const request = checkRequest(options)
  if (!isAllowedAddress(request.url, options.allowInsecure ?? false)) {
    throw new AppUpdateError('insecure-url', `the server's address is not https: ${options.serverUrl}`)
  }
  for (let attempt = 0; ; attempt += 1) {
    try {
      return readCheckAnswer(parse(await exchange(host, request, { limits, stopped })), options)
    } catch (cause) {
      if (!(cause instanceof AppUpdateError)) throw cause
      const isOver = attempt + 1 >= limits.checkAttempts || stopped.isStopped()
      if (isOver || !(cause.code === 'check-failed' && mayHelp(cause.status ?? 500))) throw cause
      await sleep(host.clock, cause.retryAfterMs ?? backOff(host.clock, attempt, limits), stopped)
    }
  }
}

/** @throws AppUpdateError 'check-failed', or 'answer-invalid' when it is too long */
async function exchange(
  { http, clock }: AskingHost,
  request: HttpRequest,
  { limits, stopped }: { limits: Limits; stopped: Stopped },
): Promise<string> {
  const bounds = { maxBytes: limits.answerBytes, timeoutMs: limits.checkTimeoutMs, stopped }
  const { status, headers, body } = await exchangeSmall({ http, clock }, request, bounds).catch((cause: unknown) => {
    if (cause instanceof AnswerTooLongError) throw new AppUpdateError('answer-invalid', cause.message, { cause })
    throw new AppUpdateError('check-failed', `the server was not reached: ${messageOf(cause)}`, { cause })
  })
  const text = textFromUtf8(body)
  if (status === 200) return text
  const retryAfterMs = retryAfter(headers, clock.now(), limits.retryAfterMaxMs)
  throw new AppUpdateError('check-failed', `the server answered ${status}${saidIn(text)}`, { status, retryAfterMs })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppUpdateError('answer-invalid', 'the answer is not JSON', { cause })
  }
}

/** What a server that speaks the contract says beside the status. */
function saidIn(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    return typeof message === 'string' ? `: ${message.slice(0, 300)}` : ''
  } catch {
    // Something else stands between: its status says all there is.
    return ''
  }
}
