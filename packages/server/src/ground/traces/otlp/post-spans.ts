import http from 'node:http'
import https from 'node:https'

/** Of what it answers, which nobody reads: whoever sends more is cut off. */
const MAX_ANSWER_BYTES = 64 * 1024
const MAX_HEADER_BYTES = 16 * 1024

export type PostedSpans =
  | { kind: 'taken' }
  | { kind: 'refused'; status: number }
  /** A code, such as ECONNREFUSED; never what the other side said. */
  | { kind: 'unreachable'; why: string }

interface Post {
  url: string
  headers: Record<string, string>
  body: Uint8Array
  signal: AbortSignal
}

/** Follows no redirect, and is over when `signal` is aborted, whatever drips meanwhile. Never rejects. */
export function postSpans({ url, headers, body, signal }: Post): Promise<PostedSpans> {
  const posted = Promise.withResolvers<PostedSpans>()
  const { request } = url.startsWith('https:') ? https : http
  try {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    })
    sent.on('error', (error) => posted.resolve({ kind: 'unreachable', why: codeOf(error) }))
    sent.on('response', (answer) => {
      const { statusCode: status = 0 } = answer
      const isTaken = status >= 200 && status < 300
      posted.resolve(isTaken ? { kind: 'taken' } : { kind: 'refused', status })
      dropBody(answer)
    })
    sent.end(body)
  } catch (error) {
    // A header that none may have, for example.
    posted.resolve({ kind: 'unreachable', why: codeOf(error) })
  }
  return posted.promise
}

/** To its end, so that the connection serves the next one too. */
function dropBody(answer: http.IncomingMessage): void {
  let size = 0
  answer.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES) answer.destroy()
  })
  // The status has said what counts.
  answer.on('error', () => undefined)
}

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return code ?? name
}
