import type { IncomingMessage } from 'node:http'
import type { CheckedAddress } from '../../../ground/outgoing/address-rules.ts'
import { openRequest } from '../../../ground/outgoing/open-request.ts'

const MAX_ANSWER_BYTES = 4 * 1024

export interface Answer {
  status: number
  retryAfter: string | undefined
  /** The beginning of what it said. */
  text: string
}

/**
 * Posts to the very addresses that were checked; reads no more than a few KiB of the answer.
 * @throws when there is no answer, or `signal` is aborted before
 */
export async function sendRequest(
  checked: CheckedAddress,
  { headers, body, signal }: { headers: Record<string, string>; body: string; signal: AbortSignal },
): Promise<Answer> {
  const response = await openRequest(checked, { method: 'POST', headers, body, signal })
  const { statusCode = 0, headers: answered } = response
  return { status: statusCode, retryAfter: answered['retry-after'], text: await readBeginning(response) }
}

async function readBeginning(response: IncomingMessage): Promise<string> {
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
