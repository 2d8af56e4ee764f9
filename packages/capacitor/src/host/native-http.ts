import { AnswerTooLongError } from '@hotpatch/device-ground'
import { type HttpPort } from '../ground/ports.ts'

/** What is used of `CapacitorHttp` of `@capacitor/core`. */
export interface NativeHttp {
  request(options: {
    url: string
    method: string
    headers: Record<string, string>
    data?: string
    responseType: 'text'
    disableRedirects: boolean
    connectTimeout: number
    readTimeout: number
  }): Promise<{ status: number; headers: Record<string, string>; data: unknown }>
}

const TIMEOUT_MS = 10_000

/** HTTP by the native shell: the server needs to allow no origin. A request that is given up ends by its own timeout. */
export function nativeHttp(http: NativeHttp): HttpPort {
  return {
    async send({ method, url, headers, body, maxBytes }) {
      const answer = await http.request({
        url,
        method,
        headers: { ...headers },
        ...(body !== undefined && { data: body }),
        responseType: 'text',
        disableRedirects: true,
        connectTimeout: TIMEOUT_MS,
        readTimeout: TIMEOUT_MS,
      })
      // JSON may arrive parsed already.
      const text = typeof answer.data === 'string' ? answer.data : JSON.stringify(answer.data ?? '')
      if (text.length > maxBytes) throw new AnswerTooLongError(`the answer is longer than ${maxBytes} characters`)
      const named = Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value])
      return { status: answer.status, headers: Object.fromEntries(named), text }
    },
  }
}
