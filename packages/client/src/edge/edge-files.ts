import {
  AnswerTooLongError,
  exchangeSmall,
  isAllowedAddress,
  messageOf,
  timeOfHttpDate,
  type ClockPort,
  type HttpPort,
} from '@hotpatch/device-ground'
import { MAX_EDGE_ENVELOPE_BYTES, readEdgeEnvelope, textFromUtf8, UnexpectedJsonError } from '@hotpatch/protocol'
import type { EdgeEnvelope } from '@hotpatch/protocol'
import type { Settings } from '../ground/settings.ts'
import { UpdateError } from '../ground/update-error.ts'

export interface FetchedEnvelope {
  envelope: EdgeEnvelope
  /** What the time is where it came from; undefined where that is not told. */
  toldAt: number | undefined
}

/** Static edge §2: the files of an edge, fetched with a bound on size and time, and believed in nothing. */
export function createEdgeFiles(
  ports: { http: HttpPort; clock: ClockPort },
  settings: Pick<Settings, 'allowInsecure' | 'limits'>,
  baseUrl: string,
) {
  /** @throws UpdateError */
  async function fetchBytes(path: string, maxBytes: number) {
    const url = `${baseUrl}/${path}`
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw new UpdateError('insecure-url', `the edge's address is not https: ${baseUrl}`)
    }
    // What is signed are the bytes as they are.
    const headers = { accept: 'application/json', 'accept-encoding': 'identity' }
    const request = { method: 'GET' as const, url, headers }
    try {
      const answer = await exchangeSmall(ports, request, { maxBytes, timeoutMs: settings.limits.requestTimeoutMs })
      const { status } = answer
      if (status === 200) return answer
      throw new UpdateError('check-failed', `the edge answered ${status} for ${path}`, { status })
    } catch (cause) {
      if (cause instanceof UpdateError) throw cause
      if (cause instanceof AnswerTooLongError) throw new UpdateError('answer-invalid', cause.message, { cause })
      throw new UpdateError('check-failed', `the edge was not reached: ${messageOf(cause)}`, { cause })
    }
  }

  async function fetchEnvelope(path: string): Promise<FetchedEnvelope> {
    const { body, headers } = await fetchBytes(path, MAX_EDGE_ENVELOPE_BYTES)
    const told = timeOfHttpDate(headers.date ?? '')
    return {
      envelope: readOr('answer-invalid', path, () => readEdgeEnvelope(textOf(body, path))),
      toldAt: Number.isNaN(told) ? undefined : told,
    }
  }

  const fetchText = async (path: string, maxBytes: number) => (await fetchBytes(path, maxBytes)).body

  return { fetchEnvelope, fetchText }
}

/** @throws UpdateError 'answer-invalid' */
export function textOf(bytes: Uint8Array, what: string): string {
  const text = textFromUtf8(bytes)
  if (text === undefined) throw new UpdateError('answer-invalid', `${what} of the edge is not UTF-8`)
  return text
}

/** With the place of the first thing that is not as it must be. */
export function readOr<Read>(code: 'answer-invalid', what: string, read: () => Read): Read {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw new UpdateError(code, `${what} of the edge: ${cause.message}`, { cause })
  }
}
