import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { strToU8, zipSync } from 'fflate'

export interface ServedBundle {
  version: string
  minNativeVersion?: string
  files?: Record<string, string>
  signature?: string
  /** Instead of the true one. */
  checksum?: string
}

export interface SeenRequest {
  method: string
  path: string
  query: string
  headers: IncomingMessage['headers']
  body: string
}

export interface SeenEvent {
  id: string
  kind: string
  version: string
  code?: string
}

type Answer = (request: SeenRequest, response: ServerResponse) => void

/** A real HTTP server with one bundle, under a sub-path, that can be told to misbehave. */
export async function startBundleServer(mountedAt = '') {
  let bundle: ServedBundle | undefined
  let zip: Buffer = Buffer.alloc(0)
  let checksum = ''
  const seen: SeenRequest[] = []
  const overrides = new Map<string, Answer>()

  function serve(next: ServedBundle | undefined): void {
    bundle = next
    if (!next) return
    const files = next.files ?? { 'index.html': `<h1>${next.version}</h1>` }
    const contents = Object.entries(files).map(([name, text]) => [name, strToU8(text)] as const)
    zip = Buffer.from(zipSync(Object.fromEntries(contents), { mtime: '2027-01-01' }))
    checksum = createHash('sha256').update(zip).digest('hex')
  }

  const usual: Record<string, Answer> = {
    '/api/v1/native/bundle/manifest': (_request, response) => {
      if (!bundle) return sendJson(response, 404, { code: 'OTA_BUNDLE_NOT_AVAILABLE', message: 'none' })
      const { version, minNativeVersion = '0.0.0', signature } = bundle
      const url = '/api/v1/native/bundle/download'
      sendJson(response, 200, { version, url, checksum: bundle.checksum ?? checksum, minNativeVersion, signature })
    },
    '/api/v1/native/bundle/download': (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/zip' }).end(zip)
    },
    '/events': (request, response) => {
      const { events } = JSON.parse(request.body) as { events: unknown[] }
      sendJson(response, 200, { accepted: events.length, rejected: [] })
    },
  }

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { pathname, search } = new URL(incoming.url ?? '/', 'http://localhost')
    const path = pathname.startsWith(mountedAt) ? pathname.slice(mountedAt.length) : ''
    const request = {
      method: incoming.method ?? '',
      path,
      query: search,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString(),
    }
    seen.push(request)
    const handle = overrides.get(path) ?? usual[path]
    if (handle) handle(request, response)
    else response.writeHead(404).end()
  }

  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  return {
    url: origin + mountedAt,
    serve,
    checksum: () => checksum,
    /** Every request, or those to a path. */
    seen: (path?: string) => seen.filter((request) => path === undefined || request.path === path),
    events: () =>
      seen
        .filter(({ path }) => path === '/events')
        .flatMap(({ body }) => (JSON.parse(body) as { events: SeenEvent[] }).events),
    /** Undefined: as usual again. */
    answerWith(path: string, handle: Answer | undefined) {
      if (handle) overrides.set(path, handle)
      else overrides.delete(path)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}

export type BundleServer = Awaited<ReturnType<typeof startBundleServer>>

export function sendJson(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
}

export function createSigner() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: rawKey(publicKey),
    sign: (checksum: string) => sign(null, Buffer.from(checksum, 'hex'), privateKey).toString('base64'),
  }
}

function rawKey(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
}
