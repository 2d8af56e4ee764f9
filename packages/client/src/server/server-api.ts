import { DEVICE_ATTRIBUTE_NAMES, UnexpectedJsonError, type DeviceAttributes } from '@hotpatch/protocol'
import {
  AnswerTooLongError,
  backOff,
  exchangeSmall,
  isAllowedAddress,
  messageOf,
  retryAfter,
  sleep,
  type SmallAnswer,
} from '@hotpatch/device-ground'
import { jsonFromUtf8 } from '../ground/bytes.ts'
import { createDeviceCredential } from './device-credential.ts'
import type { HostPort, Ports } from '../ground/ports.ts'
import { EMBEDDED_VERSION, type Report } from '../ground/report.ts'
import type { Settings } from '../ground/settings.ts'
import type { ToldTrust } from '../state/tell-trust.ts'
import { isFinalStatus, UpdateError } from '../ground/update-error.ts'
import type { CheckAnswer, ToldCheck, UpdateContract } from './update-contract.ts'

export type CheckRequest = Pick<
  ToldCheck,
  'version' | 'releaseId' | 'failedReleaseIds' | 'trust' | 'embeddedUpdateId' | 'patches'
>

/** What became of reports that were sent. */
export type Delivery =
  | { kind: 'settled'; eventIds: readonly string[]; dropped: readonly { eventId: string; reason: string }[] }
  /** They wait: no network, no room, or not before a certain time. */
  | { kind: 'later' }
  /** The server refuses the request as a whole: one of the reports may be the reason. */
  | { kind: 'refused'; reason: string }

export type ServerApi = ReturnType<typeof createServerApi>

/** The server, as the device sees it. */
export function createServerApi(
  { files, http, clock, host }: Pick<Ports, 'files' | 'http' | 'clock' | 'host'>,
  settings: Settings,
  contract: UpdateContract,
  /** Of the keys that it decrypts by. */
  decryptionKeyIds: () => Promise<readonly string[]> = () => Promise.resolve([]),
) {
  const { limits } = settings
  const server = settings.serverUrl.replace(/\/+$/, '')
  const device = {
    appId: settings.appId,
    deviceId: settings.deviceId,
    platform: host.platform,
    channel: settings.channel,
  }
  const ofHost = toldAttributes(host)
  // A server that asked for patience is not asked again before; forgotten with the process, as a start is rare.
  let notBefore = -Infinity

  const credential = createDeviceCredential({
    files,
    settings,
    register: () => send('/devices', { ...device, ...toldBinary(host), credential: true }),
  })

  async function attributes(): Promise<DeviceAttributes> {
    const keyIds = await decryptionKeyIds()
    return keyIds.length === 0 ? ofHost : { ...ofHost, decryptionKeyId: keyIds.join(',') }
  }

  async function post(path: string, body: unknown): Promise<SmallAnswer> {
    return send(path, body, await credential.token())
  }

  async function send(path: string, body: unknown, token?: string): Promise<SmallAnswer> {
    const url = server + path
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw new UpdateError('insecure-url', `the server's address is not https: ${server}`)
    }
    const wait = notBefore - clock.elapsed()
    if (wait > 0) throw new UpdateError('check-failed', 'the server asked to wait', { retryAfterMs: wait })
    const headers = {
      ...(settings.appKey !== '' && { 'x-app-key': settings.appKey }),
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token !== undefined && { 'x-device-token': token }),
    }
    const request = { method: 'POST' as const, url, headers, body: JSON.stringify(body) }
    const bounds = { maxBytes: limits.answerBytes, timeoutMs: limits.requestTimeoutMs }
    const answer = await exchangeSmall({ http, clock }, request, bounds)
    if (answer.status === 429 || answer.status === 503) {
      notBefore = clock.elapsed() + (retryAfter(answer.headers, clock.now(), limits.retryAfterMaxMs) ?? 0)
    }
    return answer
  }

  async function checkOnce(body: unknown): Promise<CheckAnswer> {
    let answer: SmallAnswer
    try {
      answer = await post(contract.checkPath, body)
    } catch (cause) {
      if (cause instanceof UpdateError) throw cause
      if (cause instanceof AnswerTooLongError) throw new UpdateError('answer-invalid', cause.message, { cause })
      throw new UpdateError('check-failed', `the server was not reached: ${messageOf(cause)}`, { cause })
    }
    const json = jsonFromUtf8(answer.body)
    const { status } = answer
    if (status !== 200) throw new UpdateError('check-failed', describeProblem(status, json), { status })
    if (json === undefined) throw new UpdateError('answer-invalid', 'the answer to the check is not JSON')
    return readAnswer(json)
  }

  /** @throws UpdateError 'answer-invalid' with the place of the first thing that is not as it must be */
  function readAnswer(json: unknown): CheckAnswer {
    try {
      return contract.readAnswer(json)
    } catch (cause) {
      if (!(cause instanceof UnexpectedJsonError)) throw cause
      throw new UpdateError('answer-invalid', `the answer to the check: ${cause.message}`, { cause })
    }
  }

  /** Tries again only where that can help, and never against the server's wish. */
  async function check(request: CheckRequest): Promise<CheckAnswer> {
    if (server === '') throw new UpdateError('check-failed', 'there is no server to ask')
    const told = {
      ...request,
      device,
      cohorts: settings.cohorts,
      binary: toldBinary(host),
      attributes: await attributes(),
    }
    const body = contract.writeCheck(told)
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await checkOnce(body)
      } catch (error) {
        const mayHelp =
          error instanceof UpdateError && error.code === 'check-failed' && !isFinalStatus(error.status ?? 0)
        if (!mayHelp || notBefore > clock.elapsed() || attempt + 1 >= limits.attempts) throw error
        await sleep(clock, backOff(clock, attempt, limits))
      }
    }
  }

  /** Tells reports of one app binary, at most as many as one request may have. Never rejects. */
  async function deliver(reports: readonly Report[], trust: ToldTrust): Promise<Delivery> {
    if (server === '') return { kind: 'later' }
    try {
      return await deliverBatch(reports, trust)
    } catch {
      // No network, or not before a certain time.
      return { kind: 'later' }
    }
  }

  async function deliverBatch(reports: readonly Report[], trust: ToldTrust): Promise<Delivery> {
    const sentAt = new Date(clock.now()).toISOString()
    const binary = toldBinary(reports[0] ?? host)
    const body = { ...device, sentAt, ...binary, ...(await attributes()), ...trust, events: reports.map(eventOf) }
    const answer = await post('/events', body)
    const delivery = readDelivery(answer)
    if (delivery) return delivery
    return { kind: 'settled', eventIds: reports.map(({ eventId }) => eventId), dropped: readRejected(answer.body) }
  }

  return { check, deliver }
}

/** Of the host alone: its keys the engine tells itself. The build goes with the binary that a report is about. */
export function toldAttributes(host: HostPort): DeviceAttributes {
  const told: DeviceAttributes = {}
  for (const name of DEVICE_ATTRIBUTE_NAMES) {
    if (name === 'nativeBuild' || name === 'decryptionKeyId' || name === 'answerKeyId') continue
    if (name === 'installerFormats' || name === 'embeddedUpdateId' || name === 'rolloutCohort') continue
    if (host[name] !== undefined) told[name] = String(host[name])
  }
  return told
}

function toldBinary({ nativeVersion, nativeBuild, runtimeVersion }: HostPort | Report) {
  return {
    nativeVersion,
    ...(nativeBuild !== undefined && { nativeBuild }),
    ...(runtimeVersion !== undefined && { runtimeVersion }),
  }
}

function describeProblem(status: number, json: unknown): string {
  const detail = typeof json === 'object' && json !== null && 'detail' in json ? `: ${String(json.detail)}` : ''
  return `the server answered ${status}${detail}`
}

/** Undefined when the server took it. */
function readDelivery({ status, body }: SmallAnswer): Delivery | undefined {
  if (status >= 200 && status < 300) return undefined
  // The key may be mended on the server.
  if (!isFinalStatus(status) || status === 401) return { kind: 'later' }
  return { kind: 'refused', reason: describeProblem(status, jsonFromUtf8(body)) }
}

function eventOf(report: Report) {
  const { eventId, kind, releaseId, version, code, detail, receivedBytes, arrival, occurredAt } = report
  // A failure without a release is not one of the release that runs.
  const isNamed = releaseId !== null || version === EMBEDDED_VERSION
  return {
    id: eventId,
    kind,
    ...(releaseId !== null && { releaseId }),
    ...(isNamed && { version }),
    ...(code !== undefined && { code }),
    ...(detail !== undefined && { detail }),
    ...(receivedBytes !== undefined && { receivedBytes }),
    ...(arrival !== undefined && { arrival }),
    occurredAt,
  }
}

/** An answer that says nothing readable about single reports accepted them all. */
function readRejected(body: Uint8Array): { eventId: string; reason: string }[] {
  const json = jsonFromUtf8(body)
  const rejected = typeof json === 'object' && json !== null && 'rejected' in json ? json.rejected : undefined
  if (!Array.isArray(rejected)) return []
  return rejected.flatMap((entry: unknown) => {
    const { id, type, detail } = (entry ?? {}) as { id?: unknown; type?: unknown; detail?: unknown }
    return typeof id === 'string' ? [{ eventId: id, reason: `${String(type)}: ${String(detail)}` }] : []
  })
}
