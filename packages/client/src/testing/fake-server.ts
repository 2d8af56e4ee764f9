import { utf8FromText } from '@hotpatch/protocol'
import type { HttpPort, HttpRequest, HttpResponse } from '@hotpatch/device-ground'
import type { PatchOffer } from '../server/update-contract.ts'
import { described, type DescribedBody } from './described-body.ts'
import type { PublishedRelease } from './publisher.ts'

export interface FakeResponse {
  status: number
  headers?: Record<string, string>
  body?: Uint8Array | AsyncIterable<Uint8Array>
}

export type Target =
  | { release: PublishedRelease; mandatory?: boolean }
  | { embedded: { statement: string; statementSignature: string } | null; mandatory?: boolean }
  | null

export interface SentReport {
  id: string
  kind: string
  releaseId?: string
  code?: string
  version?: string
  detail?: string
  receivedBytes?: number
  arrival?: string
}

/**
 * From one release, or the tree that binaries shipped with, to another, as devices that run the one are told of it; from
 * null, of nothing, for all.
 */
export interface FakePatch {
  from: string | null
  to: string
  bytes: Uint8Array
  offer: PatchOffer
}

export type FakeServer = ReturnType<typeof createFakeServer>

export const SERVER = 'https://updates.test'

/** The server's side of the wire contract, in memory, with a place to misbehave at. */
export function createFakeServer() {
  const server = {
    target: null as Target,
    patches: [] as readonly FakePatch[],
    isReachable: true,
    /** Every accepted report, once per event id. */
    reports: [] as SentReport[],
    requests: [] as HttpRequest[],
    checks: [] as Record<string, unknown>[],
    /** Changes the answer to a check. */
    tamper: (answer: Record<string, unknown>): unknown => answer,
    /** Answers instead of the server; undefined lets it answer itself. */
    intercept: (_request: HttpRequest): FakeResponse | undefined => undefined,
    http: undefined as unknown as HttpPort,
    kinds: () => server.reports.map(({ kind, code }) => (code ? `${kind}:${code}` : kind)),
    /** The requests that carried reports. */
    batches: () => server.requests.filter(({ url }) => url === `${SERVER}/events`).map(bodyOf),
    downloads: () => server.requests.filter(({ method }) => method === 'GET'),
  }

  function respond(request: HttpRequest): FakeResponse {
    if (!server.isReachable) throw new Error('no route to host')
    const intercepted = server.intercept(request)
    if (intercepted) return intercepted
    const body = request.body && bodyOf(request)
    if (request.url === `${SERVER}/update/check` && body) {
      server.checks.push(body)
      const answer = server.tamper(answerTo(server, body))
      return { status: 200, body: answer instanceof Uint8Array ? answer : utf8FromText(JSON.stringify(answer)) }
    }
    if (request.url === `${SERVER}/events` && body) {
      const fresh = (body.events as SentReport[]).filter(({ id }) => !server.reports.some((known) => known.id === id))
      server.reports.push(...fresh)
      return { status: 200, body: utf8FromText(JSON.stringify({ accepted: fresh.length, rejected: [] })) }
    }
    const artifact = artifactAt(request.url, server)
    if (artifact) return serveRange(artifact, request)
    return { status: 404, body: utf8FromText('{"detail":"there is nothing here"}') }
  }

  server.http = {
    open(request) {
      server.requests.push(request)
      const response = (async () => responseOf(respond(request)))()
      return { response, abort: () => undefined }
    },
  }
  return server
}

function bodyOf({ body = '' }: HttpRequest): Record<string, unknown> {
  return JSON.parse(body) as Record<string, unknown>
}

type Published = Pick<FakeServer, 'target' | 'patches'>

function answerTo({ target, patches }: Published, check: Record<string, unknown>): Record<string, unknown> {
  if (!target) return { updateAvailable: false, reason: 'nothing-published' }
  const mandatory = target.mandatory ?? false
  if ('embedded' in target) {
    if (check.releaseId === undefined) return { updateAvailable: false, reason: 'runs-the-target' }
    const signed = target.embedded ?? { statement: null, statementSignature: null }
    return { updateAvailable: false, rollBackTo: 'embedded', mandatory, reason: 'release-taken-back', ...signed }
  }
  const { release } = target
  if (check.releaseId === release.releaseId) return { updateAvailable: false, reason: 'runs-the-target' }
  if ((check.failedReleaseIds as string[]).includes(release.releaseId)) {
    return { updateAvailable: false, reason: 'failed-on-this-device' }
  }
  const told = (check.patches ?? []) as string[]
  const patch = patches.find(
    ({ from, to, offer }) =>
      (from === null || from === (check.releaseId ?? check.embeddedUpdateId)) &&
      to === release.releaseId &&
      told.includes(offer.format),
  )
  return {
    updateAvailable: true,
    ...(patch && { patch: patch.offer }),
    bundleUrl: `${SERVER}/artifacts/${release.encrypted?.offer.sha256 ?? release.sha256}`,
    ...(release.encrypted && { encryption: release.encrypted.offer }),
    ...(release.kind === 'files' && { fileUrl: `${SERVER}/artifacts/{sha256}` }),
    hash: release.sha256,
    signature: release.signature,
    mandatory,
    version: release.version,
    releaseId: release.releaseId,
    sizeBytes: release.bundle.length,
    direction: 'forward',
    statement: release.statement,
    statementSignature: release.statementSignature,
  }
}

function artifactAt(url: string, { target, patches }: Published): Uint8Array | undefined {
  const [, sha256 = ''] = url.split(`${SERVER}/artifacts/`)
  const patch = patches.find(({ offer }) => offer.url === url)
  if (patch) return patch.bytes
  return target && 'release' in target ? target.release.artifacts.get(sha256) : undefined
}

export function serveRange(bytes: Uint8Array, { headers }: HttpRequest, etag = '"a"'): FakeResponse {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
  const isRange = headers.range !== undefined && headers['if-range'] === etag
  const rest = isRange ? bytes.subarray(from) : bytes
  const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
  return {
    status: isRange ? 206 : 200,
    headers: { etag, 'content-length': String(rest.length), ...(isRange && range) },
    body: chunked(rest),
  }
}

/** In pieces of `size`; after `failAfter` bytes the connection is reset. */
export function chunked(bytes: Uint8Array, size = 150, failAfter = Infinity): DescribedBody {
  const end = Math.ceil(failAfter / size) * size
  if (end >= bytes.length) return described([{ bytes, each: size }])
  return described([{ bytes: bytes.subarray(0, end), each: size }, { end: 'reset' }])
}

function responseOf({ status, headers = {}, body = new Uint8Array() }: FakeResponse): HttpResponse {
  return { status, headers, body: body instanceof Uint8Array ? chunked(body, 10_000) : body }
}
