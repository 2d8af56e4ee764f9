import http from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import type { CheckedAddress } from './address-rules.ts'

const MAX_ANSWER_BYTES = 4 * 1024
const MAX_HEADER_BYTES = 16 * 1024

export interface Answer {
  status: number
  retryAfter: string | undefined
  /** The beginning of what it said. */
  text: string
}

/**
 * Posts to the very addresses that were checked, whatever the name stands for by now; follows no redirect, and reads
 * no more than a few KiB of the answer. @throws when there is no answer, or `signal` is aborted before
 */
export function sendRequest(
  { url, addresses }: CheckedAddress,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https : http
  const answer = Promise.withResolvers<Answer>()
  const sent = request(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': Buffer.byteLength(body) },
    // A connection for each: none that another check opened, and no proxy of the environment.
    agent: false,
    lookup: lookupOf(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  })
  sent.on('error', answer.reject)
  sent.on('response', (response) => {
    const { statusCode = 0 } = response
    void readBeginning(response).then((text) =>
      answer.resolve({ status: statusCode, retryAfter: response.headers['retry-after'], text }),
    )
  })
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

async function readBeginning(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // Leaving the loop ends the connection.
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= MAX_ANSWER_BYTES) break
    }
  } catch {
    // The status has said what counts: what broke off behind it is only told to people.
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString('utf8')
}
