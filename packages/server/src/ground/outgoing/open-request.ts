import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import type { CheckedAddress } from './address-rules.ts'

const MAX_HEADER_BYTES = 16 * 1024

export interface OutgoingRequest {
  method: 'GET' | 'POST'
  headers: Record<string, string>
  body?: string
  signal: AbortSignal
}

/**
 * Sends to the very addresses that were checked, whatever the name stands for by now, and follows no redirect.
 * @throws when there is no answer, or `signal` is aborted before; what is read of it ends with `signal`, too
 */
export function openRequest(
  { url, addresses }: CheckedAddress,
  { method, headers, body, signal }: OutgoingRequest,
): Promise<http.IncomingMessage> {
  const { request } = url.protocol === 'https:' ? https : http
  const answer = Promise.withResolvers<http.IncomingMessage>()
  const sent = request(url, {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    // A connection for each: none that another check opened, and no proxy of the environment.
    agent: false,
    lookup: lookupOf(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  })
  sent.on('error', answer.reject)
  sent.on('response', answer.resolve)
  sent.end(body)
  return answer.promise
}

function lookupOf(addresses: CheckedAddress['addresses']): LookupFunction {
  return (_host, { all }, done) => {
    const [first] = addresses
    if (all) done(null, [...addresses])
    else done(null, first?.address ?? '', first?.family ?? 0)
  }
}
