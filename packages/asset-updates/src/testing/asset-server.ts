import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { writeFilesManifest, writeReleaseStatement } from '@hotpatch/protocol'

export const PROJECT = '0192d5a0-0000-7000-8000-000000000001'

export interface TestUpdate {
  id: string
  version: string
  files: ReadonlyMap<string, Uint8Array>
  list: Uint8Array
  listSha256: string
  statement: string
  statementSignature: string
}

export interface AssetServer {
  url: string
  publicKey: string
  /** What is offered to everybody who does not run it; null is nothing. */
  target: TestUpdate | 'embedded' | null
  isMandatory: boolean
  publish(version: string, sequence: number, files: Readonly<Record<string, string | Uint8Array>>): TestUpdate
  /** Of the artifacts that were sent, and how many bytes of each. */
  sent: Map<string, number>
  checks: Record<string, unknown>[]
  reports: { kind: string; code?: string; releaseId?: string }[]
  /** Answers instead of the server; false lets it answer itself. */
  intercept: (request: IncomingMessage, response: ServerResponse) => boolean
  stop(): Promise<void>
}

/** The server's side of Asset updates, over a real network and with a publisher's key. */
export async function startAssetServer(port = 0): Promise<AssetServer> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const artifacts = new Map<string, Uint8Array>()
  const known = new Set<string>()
  const server = createServer((request, response) => void respond(request, response))
  await new Promise<void>((resolve) => {
    server.listen(port, '127.0.0.1', resolve)
  })

  const made: AssetServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publicKey: Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64'),
    target: null,
    isMandatory: false,
    sent: new Map(),
    checks: [],
    reports: [],
    intercept: () => false,
    publish(version, sequence, texts) {
      const files = new Map(Object.entries(texts).map(([path, text]) => [path, Buffer.from(text)]))
      for (const bytes of files.values()) artifacts.set(sha256Of(bytes), bytes)
      const listed = [...files].map(([path, bytes]) => ({ path, sha256: sha256Of(bytes), sizeBytes: bytes.length }))
      const list = Buffer.from(writeFilesManifest({ files: listed }))
      const listSha256 = sha256Of(list)
      artifacts.set(listSha256, list)
      const statement = Buffer.from(
        writeReleaseStatement({
          appId: PROJECT,
          platform: 'any',
          target: 'release',
          version,
          sequence,
          floor: 0,
          requirement: {},
          content: { kind: 'files' },
          artifacts: [{ name: 'files.json', sha256: listSha256, sizeBytes: list.length }],
          createdAt: '2026-01-01T00:00:00.000Z',
        }),
      )
      return {
        id: `update-${version}`,
        version,
        files,
        list,
        listSha256,
        statement: statement.toString('base64'),
        statementSignature: sign(null, statement, privateKey).toString('base64'),
      }
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (made.intercept(request, response)) return
    const path = new URL(request.url ?? '/', made.url).pathname
    const artifact = artifacts.get(path.replace('/artifacts/', ''))
    if (artifact) return sendArtifact(artifact, request, response)
    const body = await readJsonBody(request)
    response.setHeader('content-type', 'application/json')
    if (path === '/api/v1/updates/check') {
      made.checks.push(body)
      response.end(JSON.stringify(answerTo(made, body)))
    } else if (path === '/events') {
      const fresh = (body.events as { id: string; kind: string }[]).filter(({ id }) => !known.has(id))
      for (const { id } of fresh) known.add(id)
      made.reports.push(...fresh)
      response.end('{"accepted":1,"rejected":[]}')
    } else {
      response.writeHead(404).end('{}')
    }
  }

  function sendArtifact(bytes: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
    const etag = `"${sha256Of(bytes)}"`
    const isSame = request.headers['if-range'] === etag
    const from = isSame ? Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0) : 0
    const rest = bytes.subarray(from)
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, { etag, 'content-length': rest.length, ...(from > 0 && range) })
    made.sent.set(sha256Of(bytes), (made.sent.get(sha256Of(bytes)) ?? 0) + rest.length)
    response.end(rest)
  }

  return made
}

function answerTo({ url, target, isMandatory }: AssetServer, check: Record<string, unknown>): object {
  const failed = check.failedUpdateIds as string[]
  if (target === 'embedded') {
    if (check.currentUpdateId === undefined) return { updateAvailable: false, reason: 'runs-the-target' }
    return { updateAvailable: false, rollBackTo: 'embedded', isMandatory, reason: 'release-taken-back' }
  }
  if (!target) return { updateAvailable: false, reason: 'nothing-published' }
  if (check.currentUpdateId === target.id) return { updateAvailable: false, reason: 'runs-the-target' }
  if (failed.includes(target.id)) return { updateAvailable: false, reason: 'failed-on-this-device' }
  return {
    updateAvailable: true,
    update: {
      id: target.id,
      version: target.version,
      isMandatory,
      releaseNotes: `• What is new in ${target.version}\n• <b>Nothing</b> is markup`,
      totalBytes: [...target.files.values()].reduce((sum, bytes) => sum + bytes.length, 0),
      list: {
        url: `${url}/artifacts/${target.listSha256}`,
        sha256: target.listSha256,
        sizeBytes: target.list.length,
      },
      fileUrl: `${url}/artifacts/{sha256}`,
      statement: target.statement,
      statementSignature: target.statementSignature,
    },
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>)
}
