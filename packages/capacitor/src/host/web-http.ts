import { AnswerTooLongError } from '@hotpatch/device-ground'
import { RedirectedError, type HttpPort } from '../ground/ports.ts'

/** What is used of `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** HTTP by the web view. The server has to allow the app's origin (CORS). */
export function webHttp(fetch: Fetch): HttpPort {
  return {
    async send({ method, url, headers, body, maxBytes, signal }) {
      const response = await fetch(url, {
        method,
        headers: { ...headers },
        ...(body !== undefined && { body }),
        signal,
        redirect: 'manual',
        credentials: 'omit',
        cache: 'no-store',
      })
      // Some hosts replace fetch by one of their own that follows all the same.
      if (response.type === 'opaqueredirect' || response.redirected) throw new RedirectedError('the server redirects')
      return {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        text: await readText(response, maxBytes),
      }
    },
  }
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  const tooLong = () => new AnswerTooLongError(`the answer is longer than ${maxBytes} bytes`)
  if (Number(response.headers.get('content-length') ?? 0) > maxBytes) {
    await response.body?.cancel()
    throw tooLong()
  }
  const reader = response.body?.getReader()
  // A fetch that is not the platform's may have no stream.
  if (!reader) {
    const text = await response.text()
    if (text.length > maxBytes) throw tooLong()
    return text
  }
  const decoder = new TextDecoder()
  let [text, length] = ['', 0]
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.length
    if (length > maxBytes) {
      await reader.cancel()
      throw tooLong()
    }
    text += decoder.decode(value, { stream: true })
  }
}
