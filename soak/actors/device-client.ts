import { Agent, request } from 'node:http'
import type { SoakServer } from '../machines/soak-server.ts'

export interface DeviceAnswer {
  status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape are looked into
  body: any
}

export interface DeviceClient {
  /** @throws when there is no answer in time */
  post(path: string, body: unknown): Promise<DeviceAnswer>
  close(): void
}

/** Longer than any server should take, on a machine that does much else. */
export const ANSWER_BOUND_MS = 30_000
const MAX_ANSWER_BYTES = 1024 * 1024

/** Keeps its connections, as phones behind a carrier do. */
export function createDeviceClient(server: SoakServer, appKey: string, connections: number): DeviceClient {
  const agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
  const { hostname, port } = new URL(server.url)

  function send(path: string, text: string): Promise<DeviceAnswer> {
    return new Promise((resolve, reject) => {
      const asked = request({
        agent,
        hostname,
        port,
        path,
        method: 'POST',
        headers: {
          'x-app-key': appKey,
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
        },
        signal: AbortSignal.timeout(ANSWER_BOUND_MS),
      })
      asked.on('error', (error) => reject(Object.assign(error, { isKept: asked.reusedSocket })))
      asked.on('response', (response) => {
        const chunks: Buffer[] = []
        let sizeBytes = 0
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          sizeBytes += chunk.length
          if (sizeBytes > MAX_ANSWER_BYTES) response.destroy(new Error('The answer is too long.'))
        })
        response.on('error', reject)
        response.on('end', () => {
          try {
            resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown })
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)))
          }
        })
      })
      asked.end(text)
    })
  }

  /** A kept connection may be closed at the very moment in which it is used: every client asks once more then. */
  async function post(path: string, body: unknown): Promise<DeviceAnswer> {
    const text = JSON.stringify(body)
    try {
      return await send(path, text)
    } catch (error) {
      const { code, isKept = false } = error as NodeJS.ErrnoException & { isKept?: boolean }
      if (!isKept || (code !== 'ECONNRESET' && code !== 'EPIPE')) throw error
      return send(path, text)
    }
  }

  return { post, close: () => agent.destroy() }
}
