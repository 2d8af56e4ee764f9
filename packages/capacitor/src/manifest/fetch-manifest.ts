import {
  type AllowInsecure,
  AnswerTooLongError,
  backOff,
  messageOf,
  retryAfter,
  sleep,
  within,
} from '@hotpatch/device-ground'
import { joinAddress, isAllowedAddress, MANIFEST_PATH } from '../decision/addresses.ts'
import { RedirectedError, type Host, type HttpAnswer } from '../ground/ports.ts'
import type { HotPatchConnection, Limits } from '../ground/settings.ts'

export type FetchFailure =
  | 'address-refused'
  | 'server-unreachable'
  | 'server-error'
  | 'server-asked-to-wait'
  | 'not-available'
  | 'redirected'
  | 'answer-too-long'
  | 'answer-not-json'

export type FetchedManifest = { kind: 'json'; json: unknown } | { kind: 'failed'; reason: FetchFailure; detail: string }

/** What a HotPatch server is told, so that it answers this device (Web bundle §9). */
export interface AskingDevice {
  deviceId: string
  /** Of the running bundle. */
  version: string
  nativeVersion: string
}

/** Asks for the manifest, again where that can help. Never rejects. */
export function createManifestFetcher(
  { http, clock }: Pick<Host, 'http' | 'clock'>,
  { limits, hotPatch, allowInsecure }: FetcherSettings,
) {
  let notBefore = -Infinity

  async function fetchManifest(serverUrl: string, device: AskingDevice | undefined): Promise<FetchedManifest> {
    const url = joinAddress(serverUrl, MANIFEST_PATH)
    if (url === undefined || !isAllowedAddress(url, serverUrl, allowInsecure)) {
      return failed('address-refused', `the server's address is none, or not https: ${serverUrl.slice(0, 200)}`)
    }
    for (let attempt = 0; ; attempt += 1) {
      if (clock.elapsed() < notBefore) return failed('server-asked-to-wait', 'the server asked to wait')
      const { answer, isFinal } = await ask(url + queryOf(hotPatch, device))
      if (isFinal || attempt + 1 >= limits.manifestAttempts) return answer
      await sleep(clock, backOff(clock, attempt, limits))
    }
  }

  async function ask(url: string): Promise<{ answer: FetchedManifest; isFinal: boolean }> {
    const abort = new AbortController()
    const headers = {
      accept: 'application/json',
      ...(hotPatch?.appKey !== undefined && { 'x-app-key': hotPatch.appKey }),
    }
    const request = { method: 'GET' as const, url, headers, signal: abort.signal }
    try {
      const answer = await within(
        clock,
        { ms: limits.manifestTimeoutMs, what: 'the answer of the server', abort: () => abort.abort() },
        http.send({ ...request, maxBytes: limits.manifestBytes }),
      )
      return read(answer)
    } catch (error) {
      if (error instanceof AnswerTooLongError) return final('answer-too-long', error.message)
      if (error instanceof RedirectedError) return final('redirected', error.message)
      return { answer: failed('server-unreachable', messageOf(error)), isFinal: false }
    }
  }

  function read(answer: HttpAnswer): { answer: FetchedManifest; isFinal: boolean } {
    const { status, text } = answer
    if (status >= 300 && status < 400) return final('redirected', `the server answered ${status}`)
    if (status === 429 || status === 503) {
      const wait = retryAfter(answer.headers, clock.now(), limits.retryAfterMaxMs) ?? 0
      notBefore = clock.elapsed() + wait
      return { answer: failed('server-error', `the server answered ${status}`), isFinal: wait > 0 }
    }
    const json = jsonOf(text)
    if (status === 404 && codeOf(json) === 'OTA_BUNDLE_NOT_AVAILABLE') {
      return final('not-available', 'the server has no bundle')
    }
    if (status < 200 || status >= 300) {
      const isFinal = status >= 400 && status < 500 && status !== 408
      return { answer: failed('server-error', `the server answered ${status}`), isFinal }
    }
    // Such as the page of a hotel's network.
    if (json === undefined) return final('answer-not-json', 'the answer is not JSON')
    return { answer: { kind: 'json', json }, isFinal: true }
  }

  return { fetchManifest }
}

interface FetcherSettings {
  limits: Limits
  hotPatch: HotPatchConnection | undefined
  allowInsecure: AllowInsecure
}

function failed(reason: FetchFailure, detail: string): FetchedManifest {
  return { kind: 'failed', reason, detail }
}

function final(reason: FetchFailure, detail: string) {
  return { answer: failed(reason, detail), isFinal: true }
}

/** A server of one image has one bundle, and is told nothing. */
function queryOf(hotPatch: HotPatchConnection | undefined, device: AskingDevice | undefined): string {
  if (!hotPatch) return ''
  const { platform, channel } = hotPatch
  const told = Object.entries({ platform, channel, ...device }).filter(([, value]) => value !== undefined)
  return `?${told.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not JSON
  }
}

function codeOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'code' in json ? json.code : undefined
}
