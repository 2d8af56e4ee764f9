import { once } from 'node:events'
import { createServer, request as requestHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const UPLOAD = /^\/manage\/v1\/apps\/[^/]+\/artifacts(?!\/missing)/
/** Of an upload that stalls: more than its first files. */
const STALLED_BYTES = 40_000

/** Between a server and whoever asks it: counts what is sent of each asset, and what is uploaded. */
export async function openWatchedLine() {
  const sent = new Map<string, number>()
  let uploaded = 0
  let target = ''
  let stalling: { begun: number; stalled: number; hasPassed: boolean; reached: () => void } | undefined

  function forward(request: IncomingMessage, response: ServerResponse) {
    const { method, headers, url = '' } = request
    const [, sha256] = /\/assets\/([0-9a-f]{64})/.exec(url) ?? []
    const passed = requestHttp(target + url, { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        if (sha256) sent.set(sha256, (sent.get(sha256) ?? 0) + chunk.length)
      })
      answer.pipe(response)
    })
    // Whoever is killed leaves its requests.
    passed.on('error', () => response.destroy())
    request.on('close', () => request.complete || passed.destroy())
    if (method === 'GET' || !UPLOAD.test(url)) return void request.pipe(passed)
    request.on('data', (chunk: Buffer) => {
      uploaded += chunk.length
    })
    if (!stalling || stalling.begun++ === 0) {
      response.on('finish', () => noteIn(stalling, { hasPassed: true }))
      return void request.pipe(passed)
    }
    let forwarded = 0
    request.on('data', (chunk: Buffer) => {
      passed.write(chunk)
      forwarded += chunk.length
      if (forwarded < STALLED_BYTES) return
      request.pause()
      noteIn(stalling, { stalled: (stalling?.stalled ?? 0) + 1 })
    })
  }

  function noteIn(state: typeof stalling, seen: { hasPassed?: true; stalled?: number }) {
    if (!state) return
    Object.assign(state, seen)
    if (state.hasPassed && state.stalled > 0) state.reached()
  }

  const line = createServer(forward).listen(0, '127.0.0.1')
  await once(line, 'listening')
  return {
    url: `http://127.0.0.1:${(line.address() as AddressInfo).port}`,
    /** Bytes by digest. */
    sent,
    uploadedBytes: () => uploaded,
    forget() {
      sent.clear()
      uploaded = 0
    },
    leadTo(url: string) {
      target = url
    },
    /** Lets one upload pass, and a part of each other one; resolves when it is so. */
    async stallUploads(): Promise<void> {
      await new Promise<void>((reached) => {
        stalling = { begun: 0, stalled: 0, hasPassed: false, reached }
      })
    },
    goOn() {
      stalling = undefined
    },
    stop() {
      line.closeAllConnections()
      line.close()
    },
  }
}
