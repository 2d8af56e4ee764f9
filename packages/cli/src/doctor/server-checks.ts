import { ApiProblem, ServerUnreachable, type ManagementClient, type Whoami } from '@hotpatch/api'
import type { Setting } from '../config/connection.ts'
import { findProxy } from '../config/proxy.ts'
import type { CliContext } from '../process/context.ts'
import { describeError } from '../errors/describe-error.ts'
import { createClient } from '../session/session.ts'
import { failed, passed, warned, type Check } from './check.ts'

/** Statements and tokens carry times. Beyond this they start to mislead. */
const MAX_SKEW_MS = 60_000

export interface ServerFindings {
  checks: Check[]
  /** Undefined when nothing can be asked of the server. */
  api: ManagementClient | undefined
}

export function checkProxy(context: CliContext, url: Setting): Check {
  const proxy = findProxy(context.env, url.value)
  if (!proxy) return passed('proxy', `No proxy is set, and ${url.value} is asked directly.`)
  const exceptions = proxy.exceptions === '' ? '' : `, except for ${proxy.exceptions}`
  return passed('proxy', `${proxy.shown} (from ${proxy.source})${exceptions}.`)
}

/** One request answers for the server, the token and the clock. */
export async function checkServer(
  context: CliContext,
  url: Setting | undefined,
  token: Setting | undefined,
): Promise<ServerFindings> {
  const logIn = `${context.programName} login`
  if (!url) return { checks: [failed('server', 'There is no server to talk to.', logIn)], api: undefined }
  const api = createClient(context, url.value, token?.value)
  const from = `${url.value} (from ${url.source})`
  const askedAt = context.now().getTime()
  let whoami: Whoami
  try {
    whoami = await api.whoami()
  } catch (error) {
    return { checks: checksOfRefusal(error, from, token, context), api: undefined }
  }
  const checks = [
    passed('server', `${from} runs HotPatch ${whoami.serverVersion}.`),
    passed('token', `${whoami.name}, role ${whoami.role} (from ${token?.source ?? 'nowhere'}).`),
    checkClock(whoami.serverTime, askedAt, context.now().getTime()),
    ...(whoami.advice ?? []).map(({ about, detail, remedy }) => warned(about, detail, remedy)),
  ]
  return { checks, api }
}

function checksOfRefusal(error: unknown, from: string, token: Setting | undefined, context: CliContext): Check[] {
  const { message } = describeError(error, context.programName)
  if (error instanceof ServerUnreachable) {
    return [
      failed('server', message, 'Start the server, or correct the address: --url, HOTPATCH_URL or hotpatch.json.'),
    ]
  }
  if (!(error instanceof ApiProblem) || error.document === undefined) {
    return [failed('server', `${from} does not answer like a HotPatch server: ${message}`, 'Correct the address.')]
  }
  const logIn = `${context.programName} login`
  return [
    passed('server', `${from} answers.`),
    failed(
      'token',
      token ? `The token from ${token.source} does not work. ${message}` : 'There is no API token.',
      logIn,
    ),
  ]
}

export function checkClock(serverTime: string, askedAt: number, answeredAt: number): Check {
  const skewMs = (askedAt + answeredAt) / 2 - Date.parse(serverTime)
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return passed('clock', `Within ${seconds} s of the server's.`)
  const direction = skewMs > 0 ? 'ahead of' : 'behind'
  return warned('clock', `This clock is ${seconds} s ${direction} the server's.`, 'Set the clocks by NTP.')
}
