import { createHash } from 'node:crypto'
import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { UnexpectedJsonError, type ClientTakes, type Platform, type Problem } from '@hotpatch/protocol'
import { writeSignedAppcast } from '@hotpatch/signatures'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { DirectoryEntry } from '../../updates/catalog-queries.ts'
import type { Catalogs } from '../../updates/catalogs.ts'
import type { AskedFeed, Dialect, Feed, FeedApp, FeedRoute } from '../../updates/dialect.ts'
import { readFeed, readingOf } from '../../updates/read-feed.ts'
import type { Body } from '../../ground/http/made-body.ts'
import { rememberAnswers, rememberTexts } from '../writing/remember-answers.ts'
import { asProblem, optionalPlatform, toldText, type Fields } from '../reading/read-fields.ts'
import { FORMATS, renderAppcast, type AppcastReader, type Writing } from './render-appcast.ts'

const TAKES: ClientTakes = { kinds: ['binary'], forms: ['plain'], embedded: false, binaries: { formats: FORMATS } }

const READ = { judges: ['minOsVersion', 'minNativeVersion'], picksHighest: true } as const

/** Appcasts for Sparkle, WinSparkle and upgrader: docs/protocol/14-appcast.md. */
export function appcast(): Dialect {
  const route = {
    kind: 'feed',
    method: 'GET',
    access: 'public',
    maxBodyBytes: 0,
    ...READ,
    nameApp: (request: PlainRequest) => ({ key: request.header('x-app-key'), name: undefined }),
    read: readAsked,
    render: (feed: Feed, request: PlainRequest, { slug, appcastSignatures, isSameForAll }: FeedApp) => {
      const { query, publicUrl } = request
      const [reader, phasedSeconds] = [readReader(query), readPhased(query)]
      const writing = { title: slug, reader, publicUrl, phasedSeconds }
      const body = writeBody(feed, writing, appcastSignatures)
      return isSameForAll ? sharedAnswer(body, request) : xmlAnswer(body, NOT_KEPT)
    },
  } as const satisfies Omit<FeedRoute, 'path'>
  return {
    name: 'appcast',
    takes: () => TAKES,
    renderProblem,
    routes: [
      { ...route, path: '/appcast.xml' },
      { ...route, path: '/channels/:channel/appcast.xml' },
    ],
  }
}

/** What a channel's feed says to Sparkle now, without a signature: what a publisher signs. */
export function writeAppcastOf(
  catalogs: Catalogs,
  app: DirectoryEntry,
  asked: { channel: string; platform: Platform | 'each' },
  { now, publicUrl }: { now: number; publicUrl: string },
): string {
  const feed = readFeed(catalogs, app, asked, readingOf({ takes: () => TAKES }, READ), now)
  return renderAppcast(feed, { title: app.slug, reader: 'sparkle', publicUrl })
}

const rememberBody = rememberAnswers()
const rememberContent = rememberTexts()
const rememberDigest = rememberTexts()

/** Appcast §7: what was signed is what is in force, or it is not served as signed. */
function writeBody(feed: Feed, writing: Writing, signatures: FeedApp['appcastSignatures']): Body {
  const { title, reader, publicUrl, phasedSeconds } = writing
  const variant = [title, reader, publicUrl, phasedSeconds].join('\n')
  const content = () => rememberContent(feed, variant, () => renderAppcast(feed, writing))
  const digest = () => rememberDigest(feed, variant, () => createHash('sha256').update(content()).digest('hex'))
  const value = signatures.size === 0 ? undefined : signatures.get(digest())
  return rememberBody(feed, `${variant}\n${value ?? ''}`, () =>
    value === undefined ? content() : writeSignedAppcast({ content: content(), value }),
  )
}

/** Appcast §1. */
function readAsked({ params, query }: PlainRequest): AskedFeed {
  return asProblem(() => ({
    platform: optionalPlatform(query) ?? 'each',
    channel: params.channel ?? toldText(query, 'channel', 63) ?? DEFAULT_CHANNEL,
  }))
}

function readReader(query: Fields): AppcastReader {
  return asProblem(() => {
    const { for: reader = 'sparkle' } = query
    if (reader === 'sparkle' || reader === 'upgrader') return reader
    throw new UnexpectedJsonError('/for', 'sparkle or upgrader', reader)
  })
}

const MIN_PHASED_SECONDS = 60
/** Seven groups, so half a year until the last one has it. */
const MAX_PHASED_SECONDS = 30 * 86_400

/** Appcast §5.1. */
function readPhased(query: Fields): number | undefined {
  return asProblem(() => {
    const { phased } = query
    if (phased === undefined) return undefined
    const seconds = typeof phased === 'string' && /^\d{1,7}$/.test(phased) ? Number(phased) : Number.NaN
    if (seconds >= MIN_PHASED_SECONDS && seconds <= MAX_PHASED_SECONDS) return seconds
    const expected = `seconds from ${MIN_PHASED_SECONDS} to ${MAX_PHASED_SECONDS}, such as 86400`
    throw new UnexpectedJsonError('/phased', expected, phased)
  })
}

const NOT_KEPT = ['cache-control', 'no-store']

/**
 * Appcast §1. As short as the pointer of the edge, and not longer where this server does not answer: a feed says of
 * itself no time after which it is not to be believed.
 */
const KEPT = ['cache-control', 'public, max-age=10, stale-while-revalidate=30', 'vary', 'x-app-key']

/** Whoever has the same body already is told so. */
function sharedAnswer(body: Body, request: PlainRequest): PlainAnswer {
  const tag = tagOf(body)
  const headers = [...KEPT, 'etag', tag]
  if (!isTagIn(request.header('if-none-match'), tag)) return xmlAnswer(body, headers)
  return { status: 304, headers: [...headers, 'vary', 'accept-encoding'], body: '' }
}

const tags = new WeakMap<object, string>()

/** Weak, as the same body is sent compressed in several ways. */
function tagOf(body: Body): string {
  const known = typeof body === 'string' ? undefined : tags.get(body)
  if (known !== undefined) return known
  const text = typeof body === 'string' ? body : body.bytes
  const tag = `W/"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`
  if (typeof body !== 'string') tags.set(body, tag)
  return tag
}

/** RFC 9110 §13.1.2, compared weakly. */
function isTagIn(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false
  const opaque = tag.slice('W/'.length)
  return header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === opaque)
}

function xmlAnswer(body: Body, caching: readonly string[]): PlainAnswer {
  const headers = ['content-type', 'application/rss+xml; charset=utf-8', ...caching]
  return { status: 200, headers, body }
}

/** Readers look at the status alone; the rest is for whoever opens the address. */
function renderProblem(known: Problem): PlainAnswer {
  const headers = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store', ...retryHeaders(known)]
  return { status: known.status, headers, body: `${known.type}: ${known.message}\n` }
}
