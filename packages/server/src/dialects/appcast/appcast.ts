import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { UnexpectedJsonError, type ClientTakes, type Problem } from '@hotpatch/protocol'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { AskedFeed, Dialect, Feed, FeedRoute } from '../../updates/dialect.ts'
import { asProblem, optionalPlatform, toldText, type Fields } from '../reading/read-fields.ts'
import { FORMATS, renderAppcast, type AppcastReader } from './render-appcast.ts'

const TAKES: ClientTakes = { kinds: ['binary'], forms: ['plain'], embedded: false, binaries: { formats: FORMATS } }

/** Appcasts for Sparkle, WinSparkle and upgrader: docs/protocol/14-appcast.md. */
export function appcast(): Dialect {
  const route = {
    kind: 'feed',
    method: 'GET',
    access: 'public',
    maxBodyBytes: 0,
    judges: ['minOsVersion', 'minNativeVersion'],
    picksHighest: true,
    nameApp: (request: PlainRequest) => ({ key: request.header('x-app-key'), name: undefined }),
    read: readAsked,
    render: (feed: Feed, { appName = 'Updates', query, publicUrl }: PlainRequest) =>
      xmlAnswer(renderAppcast(feed, { title: appName, reader: readReader(query), publicUrl })),
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

function xmlAnswer(body: string): PlainAnswer {
  const headers = ['content-type', 'application/rss+xml; charset=utf-8', 'cache-control', 'no-store']
  return { status: 200, headers, body }
}

/** Readers look at the status alone; the rest is for whoever opens the address. */
function renderProblem(known: Problem): PlainAnswer {
  const headers = ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store', ...retryHeaders(known)]
  return { status: known.status, headers, body: `${known.type}: ${known.message}\n` }
}
