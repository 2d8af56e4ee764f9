import { request as ask, type IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'

/** As `fetch` takes it, and node:http as well. */
export interface OneRequest {
  method: string
  headers: Record<string, string>
  body?: string
}

/** What the bare server gives, whatever it is asked. */
export interface BareAnswer {
  headers: Record<string, string>
  /** As base64. */
  body: string
}

/** Those that node:http itself adds to every answer. */
const OWN_HEADERS = ['connection', 'date', 'keep-alive']
const ASK_AGAIN_MS = 50
const MAX_ASKED = 100

/**
 * The answer of a real server, for a bare one to repeat: with the bytes as they were sent. What is compressed for whoever
 * reads that is asked for until it is.
 */
export async function recordAnswer(url: string, asked: OneRequest): Promise<BareAnswer> {
  for (let times = 0; times < MAX_ASKED; times++) {
    const response = await send(url, asked)
    const body = await buffer(response)
    if (response.statusCode !== 200) {
      throw new Error(`Expected an answer to repeat, received ${response.statusCode}: ${body.toString()}`)
    }
    const { headers } = response
    if (!headers.vary?.includes('accept-encoding') || headers['content-encoding'] !== undefined) {
      const told = Object.entries(headers).filter(([name]) => !OWN_HEADERS.includes(name))
      return {
        headers: Object.fromEntries(told.map(([name, value]) => [name, String(value)])),
        body: body.toString('base64'),
      }
    }
    await wait(ASK_AGAIN_MS)
  }
  throw new Error(`The answer of ${url} was never compressed.`)
}

function send(url: string, { method, headers, body }: OneRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    ask(url, { method, headers }, resolve).on('error', reject).end(body)
  })
}
