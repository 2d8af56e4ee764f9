import { isAllowedAddress } from '../ground/addresses.ts'
import { AppUpdateError, messageOf } from '../ground/app-update-error.ts'
import { concat, textFromUtf8 } from '../ground/bytes.ts'
import type { Host, HttpRequest } from '../ground/ports.ts'
import type { AppUpdaterOptions, Limits } from '../ground/settings.ts'
import { backOff, mayHelp, retryAfter, sleep, within, type Stopped } from '../ground/waiting.ts'
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
  const { response, abort } = http.open(request)
  const forget = stopped.onStop(abort)
  const read = async () => {
    const { status, headers, body } = await response
    const text = textFromUtf8(await readWhole(body, limits.answerBytes))
    if (status === 200) return text
    const retryAfterMs = retryAfter(headers, clock.now(), limits.retryAfterMaxMs)
    throw new AppUpdateError('check-failed', `the server answered ${status}${saidIn(text)}`, { status, retryAfterMs })
  }
  const tooLate = () => new AppUpdateError('check-failed', `no complete answer within ${limits.checkTimeoutMs} ms`)
  try {
    return await within(clock, limits.checkTimeoutMs, read(), { abort, error: tooLate })
  } catch (cause) {
    if (cause instanceof AppUpdateError) throw cause
    throw new AppUpdateError('check-failed', `the connection failed: ${messageOf(cause)}`, { cause })
  } finally {
    forget()
    abort()
  }
}

async function readWhole(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw new AppUpdateError('answer-invalid', `the answer is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return concat(chunks)
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
