import { Problem, problem } from '@hotpatch/protocol'
import type { AddressRules } from '../../ground/outgoing/address-rules.ts'
import { openRequest } from '../../ground/outgoing/open-request.ts'

/** Key sets of large issuers have some 30 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024
const TIMEOUT_MS = 5_000

export interface IssuerQuestion {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
}

export interface IssuerAnswer {
  status: number
  contentType: string
  text: string
}

/** Asks at an address of an issuer. @throws problem issuer-address-refused or issuer-unusable */
export type AskIssuer = (address: string, question?: IssuerQuestion) => Promise<IssuerAnswer>

/**
 * Only where the address rules allow it, at each request; no redirect is followed: it would be a way around them. What
 * an issuer answers is bounded, in bytes and in time, as others choose who the issuer is.
 */
export function createAskIssuer({
  addresses,
  timeoutMs = TIMEOUT_MS,
}: {
  addresses: AddressRules
  timeoutMs?: number
}): AskIssuer {
  return async (address, { method = 'GET', headers = {}, body } = {}) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const checked = await within(signal, addresses.check(address))
      const response = await openRequest(checked, {
        method,
        headers: { accept: 'application/json', 'user-agent': 'HotPatch', ...headers },
        ...(body !== undefined && { body }),
        signal,
      })
      const text = await readBounded(response, address)
      return { status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', text }
    } catch (cause) {
      if (cause instanceof Problem) throw cause
      const why = signal.aborted ? `nothing whole within ${timeoutMs} ms` : reasonOf(cause)
      throw problem('issuer-unusable', `Expected an answer of ${address}, found ${why}.`, {}, { cause })
    }
  }
}

/** @throws problem issuer-unusable when the answer is not a JSON object */
export async function askForJson(ask: AskIssuer, address: string): Promise<Record<string, unknown>> {
  const { status, text } = await ask(address)
  if (status !== 200) throw problem('issuer-unusable', `Expected the status 200 of ${address}, found ${status}.`)
  const found = readObject(text)
  if (!found) throw problem('issuer-unusable', `Expected a JSON object of ${address}, found something else.`)
  return found
}

export function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined // not JSON, which whoever asked says better
  }
}

async function readBounded(response: AsyncIterable<Buffer>, address: string): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop ends the connection.
  for await (const chunk of response) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) {
      throw problem('issuer-unusable', `Expected at most ${MAX_ANSWER_BYTES} bytes of ${address}, found more.`)
    }
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Looking a name up cannot be ended; nobody has to wait for it. */
function within<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    promise.then(resolve, reject)
  })
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'none'
}
