import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { problem } from '@hotpatch/protocol'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Type, type Static } from 'typebox'
import {
  isStorageKey,
  type ByteRange,
  type LinkedAnswer,
  type StorageDriver,
} from '../../ground/storage/storage-driver.ts'
import type { Clock } from '../../ground/clock.ts'
import { createKnownObjects } from './known-objects.ts'
import type { ServedAs } from './served-types.ts'
import { takenCodings } from '../../ground/http/accept-encoding.ts'
import { saveAs } from './save-as.ts'
import { readRanges } from './byte-ranges.ts'
import { severalRanges } from './several-ranges.ts'

/** The second as Asset updates §6 has it, also of one app. */
const PATHS = ['/artifacts/:sha256', '/assets/:sha256', '/apps/:slug/assets/:sha256'] as const
const Params = Type.Object({ sha256: Type.String(), slug: Type.Optional(Type.String()) })
const Query = Type.Object({
  /** The release that the address was offered for, where it says so. */
  release: Type.Optional(Type.String({ maxLength: 64 })),
  /** What is sent when these bytes were lost, to clients that would come to nothing otherwise. */
  instead: Type.Optional(Type.String({ maxLength: 64 })),
})

/** GET and HEAD of what lies under its SHA-256. Asks the storage first: downloads go on when the database does not. */
export function artifactRoutes({
  storage,
  clock,
  servedAs,
  onDownload,
}: {
  storage: StorageDriver
  clock: Clock
  servedAs: (sha256: string) => Promise<ServedAs>
  /** Hears of every download that was sent to its end, or redirected. */
  onDownload?: (sha256: string, releaseId: string | undefined, sizeBytes: number) => void
}): FastifyPluginAsyncTypebox {
  const knownObjects = createKnownObjects({ storage, clock })

  /** Undefined as well when it was lost: then the bytes themselves are sent. */
  async function findPacked({ headers }: FastifyRequest, { compressed }: ServedAs) {
    for (const coding of takenCodings(headers['accept-encoding'])) {
      const key = compressed[coding]
      const object = key === undefined ? undefined : await knownObjects.stat(key)
      if (key !== undefined && object) return { coding, key, sizeBytes: object.sizeBytes }
    }
    return undefined
  }

  /** What is set for bytes that were lost says nothing of others, and the next request may find them. */
  async function findStored({ params: { sha256 }, query: { instead } }: Asked, reply: FastifyReply) {
    const object = await statOf(sha256)
    if (object || instead === undefined) return { sha256, object }
    for (const name of reply.raw.getHeaderNames()) reply.raw.removeHeader(name)
    reply.raw.setHeader('cache-control', 'no-store')
    reply.code(200)
    return { sha256: instead, object: await statOf(instead) }
  }

  const statOf = async (sha256: string) => (isStorageKey(sha256) ? knownObjects.stat(sha256) : undefined)

  /** @param ranges none for the whole */
  async function open(key: string, ranges: readonly ByteRange[], whole: { sizeBytes: number; contentType: string }) {
    const bytes = await storage.open(key, ...ranges)
    if (!bytes) throw notFound(key)
    const [range, ...others] = ranges
    if (!range) {
      const headers = { 'content-length': whole.sizeBytes, 'content-digest': digestField(key) }
      return { bytes, headers, sentBytes: whole.sizeBytes }
    }
    const sentBytes = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
    if (others.length === 0) {
      const contentRange = `bytes ${range.start}-${range.end}/${whole.sizeBytes}`
      return { bytes, headers: { 'content-length': sentBytes, 'content-range': contentRange }, sentBytes }
    }
    // No bytes have their own digest in them.
    const parts = severalRanges({ ...whole, ranges, boundary: key })
    const headers = { 'content-length': parts.sizeBytes, 'content-type': parts.contentType }
    return { bytes: parts.body(bytes), headers, sentBytes }
  }

  return async (app) => {
    for (const url of PATHS)
      app.route({
        method: ['GET', 'HEAD'],
        url,
        schema: { params: Params, querystring: Query },
        config: { access: 'public', isForDevices: true },
        handler: async (request, reply) => {
          const { sha256, object } = await findStored(request, reply)
          if (!object) throw notFound(sha256)
          const { sizeBytes } = object
          const { release } = request.query
          const served = await servedAs(sha256)
          // A part is one of the bytes themselves: whoever unpacks while downloading goes on by what came out.
          const packed = request.headers.range === undefined ? await findPacked(request, served) : undefined
          const tag = packed ? `${sha256}-${packed.coding}` : sha256
          const digest = digestField(packed?.key ?? sha256)
          const withHeaders = createHeaders(reply, { sha256, tag, served, coding: packed?.coding, digest })
          if (isKnown(request.headers['if-none-match'], tag)) return withHeaders().code(304).send()

          const asked = isUnchanged(request.headers['if-range'], sha256)
            ? readRanges(request.headers.range, sizeBytes)
            : undefined
          const ranges = request.method === 'GET' && typeof asked === 'object' ? asked : []
          const { key, sizeBytes: wholeBytes } = packed ?? { key: sha256, sizeBytes }
          const isElsewhere = asked !== 'unsatisfiable' && mayBeElsewhere(request, reply, ranges)
          const url = isElsewhere
            ? await storage.downloadUrl(key, linkedAnswer(request, { sha256, served, coding: packed?.coding }))
            : undefined
          if (url) {
            const sentBytes = ranges[0] ? ranges[0].end - ranges[0].start + 1 : wholeBytes
            onDownload?.(sha256, release, sentBytes)
            // The link ends, so the answer must not be kept.
            return reply.headers({ 'cache-control': 'no-store', vary: 'accept-encoding' }).redirect(url.href, 302)
          }
          if (request.method === 'HEAD') return withHeaders().header('content-length', wholeBytes).send()
          if (asked === 'unsatisfiable') throw unsatisfiable(reply, sizeBytes, request.headers.range)

          const answer = await open(key, ranges, { sizeBytes: wholeBytes, contentType: served.contentType })
          answer.bytes.once('end', () => onDownload?.(sha256, release, answer.sentBytes))
          if (ranges.length > 0) reply.code(206)
          return withHeaders().headers(answer.headers).send(answer.bytes)
        },
      })
  }
}

/** Of what other addresses set for the bytes: these say how long an answer is kept, and the rest is for whoever reads it. */
const LOST_WITHOUT_HARM = new Set(['vary', 'cache-control'])

/**
 * Stores and caches that links lead to send one range, or all of it, know other tags, are signed for GET alone, and have
 * nothing of what is set for another address. Scripts of a page get at no other host than the one that lets them.
 */
function mayBeElsewhere(
  { method, headers }: FastifyRequest,
  reply: FastifyReply,
  ranges: readonly ByteRange[],
): boolean {
  const isNamed = reply.raw.getHeaderNames().some((name) => !LOST_WITHOUT_HARM.has(name))
  const isOwn = isNamed || ranges.length > 1 || reply.statusCode !== 200 || headers['if-range'] !== undefined
  return method === 'GET' && !isOwn && headers.origin === undefined
}

/** What links have to be called by: without it nobody could unpack the bytes, or a person would save a file named by a hash. */
function linkedAnswer(
  { headers }: FastifyRequest,
  { sha256, served, coding }: Pick<Representation, 'sha256' | 'served' | 'coding'>,
): LinkedAnswer {
  const { contentType } = served
  const isInstaller = /msix|appx|appinstaller/.test(contentType)
  const isPerson = headers['sec-fetch-mode'] === 'navigate' || (headers.accept ?? '').includes('text/html')
  return {
    headers: {
      contentType,
      contentDisposition: saveAs(nameOf(sha256, served)),
      ...(coding !== undefined && { contentEncoding: coding }),
    },
    mustHaveHeaders: coding !== undefined || isPerson || isInstaller,
  }
}

function nameOf(sha256: string, { fileName, fileExtension }: ServedAs): string {
  return fileName ?? `${sha256}.${fileExtension}`
}

interface Asked {
  params: Static<typeof Params>
  query: Static<typeof Query>
}

interface Representation {
  sha256: string
  tag: string
  served: ServedAs
  /** As which it is compressed. */
  coding: string | undefined
  digest: string
}

/** RFC 9530, of bytes that are stored under their digest. */
function digestField(key: string): string {
  return `sha-256=:${Buffer.from(key, 'hex').toString('base64')}:`
}

/** Of another address, under which the bytes have a name and a type of their own, what it has set is kept. */
function createHeaders(reply: FastifyReply, { sha256, tag, served, coding, digest }: Representation) {
  const { contentType } = served
  return () =>
    reply.headers({
      ...(coding !== undefined && { 'content-encoding': coding }),
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      ...unlessSet(reply, {
        etag: `"${tag}"`,
        vary: 'accept-encoding',
        // Of what is sent, compressed as it is; the digest in the address is that of the file itself.
        'repr-digest': digest,
        'cache-control': 'public, max-age=31536000, immutable',
        'content-type': contentType,
        'content-disposition': saveAs(nameOf(sha256, served)),
      }),
    })
}

function unlessSet(reply: FastifyReply, headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(reply.raw.getHeader(name) ?? value)]),
  )
}

function notFound(sha256: string) {
  return problem('artifact-not-found', `There is no artifact "${sha256.slice(0, 64)}".`)
}

function unsatisfiable(reply: FastifyReply, sizeBytes: number, found: string | undefined) {
  reply.header('content-range', `bytes */${sizeBytes}`)
  return problem('range-not-satisfiable', `Expected a range within ${sizeBytes} bytes, found "${found}".`)
}

/** If-None-Match compares weakly: a cache in between may have weakened the tag. */
function isKnown(header: string | undefined, tag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(`"${tag}"`) || tags.includes('*')
}

/** If-Range compares strongly. Dates never match, as artifacts are given out without one. */
function isUnchanged(header: string | string[] | undefined, sha256: string): boolean {
  return header === undefined || header === `"${sha256}"`
}
