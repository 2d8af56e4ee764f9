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

/**
 * Follows no redirect. Over when the answer is to its end, or when `signal` is aborted, whatever drips meanwhile. Never
 * rejects.
 */
export function postSpans({ url, headers, body, signal }: Post): Promise<PostedSpans> {
  const posted = Promise.withResolvers<PostedSpans>()
  const { request } = url.startsWith('https:') ? https : http
  // What was answered counts, however its body ends.
  let answered: PostedSpans | undefined
  const endWith = (why: string) => posted.resolve(answered ?? { kind: 'unreachable', why })
  try {
    const sent = request(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': body.length },
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    })
    sent.on('error', (error) => endWith(codeOf(error)))
    sent.on('response', (answer) => {
      const { statusCode: status = 0 } = answer
      const isTaken = status >= 200 && status < 300
      answered = isTaken ? { kind: 'taken' } : { kind: 'refused', status }
      dropBody(answer)
    })
    // Also without an answer or an error, as when another protocol is offered.
    sent.on('close', () => endWith('NO_ANSWER'))
    sent.end(body)
  } catch (error) {
    // A header that none may have, for example.
    endWith(codeOf(error))
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
