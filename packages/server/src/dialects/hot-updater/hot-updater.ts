import type { ClientTakes, DeviceAttributes, Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { AboutRoute, CheckRoute, Dialect, DialectRoute, KeyWords } from '../../updates/dialect.ts'
import { readUpdateCheck, type Strategy } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'

/** Hot-updater §1: of which version of its server its tools are told that this one is. */
const SERVED_VERSION = '0.36.3'

const BASES = ['/hot-updater/:app', '/hot-updater']
const STRATEGIES: readonly { strategy: Strategy; path: string }[] = [
  { strategy: 'app-version', path: '/app-version/:platform/:appVersion/:channel/:minBundleId/:bundleId' },
  { strategy: 'fingerprint', path: '/fingerprint/:platform/:fingerprintHash/:channel/:minBundleId/:bundleId' },
]

const KEY_WORDS: KeyWords = {
  key: 'key in the header x-app-key, of requestHeaders',
  missing:
    'Expected in baseURL, as in …/hot-updater/my-app, an app that is open (--check-access open), or the key of an app or of one of its channels; found neither.',
}

const ROUTE = {
  method: 'GET',
  access: 'public',
  maxBodyBytes: 0,
  nameApp: (request: PlainRequest) => ({
    key: request.header('x-app-key'),
    name: undefined,
    word: request.params.app,
    said: KEY_WORDS,
  }),
} as const

/** Clients of hot-updater 0.x, unmodified: docs/protocol/20-hot-updater.md. */
export function hotUpdater(): Dialect {
  return { name: 'hot-updater', takes, renderProblem, routes: BASES.flatMap(routesBelow) }
}

function routesBelow(base: string): DialectRoute[] {
  const checks = STRATEGIES.flatMap(({ strategy, path }) =>
    // Clients before 0.29 tell no cohort.
    ['', '/:cohort'].map((cohort): CheckRoute => ({
      ...ROUTE,
      kind: 'check',
      path: base + path + cohort,
      read: (request) => readUpdateCheck(strategy, request),
      render: renderDecision,
    })),
  )
  const about: AboutRoute = {
    ...ROUTE,
    kind: 'about',
    path: `${base}/version`,
    render: () => jsonAnswer(JSON.stringify({ version: SERVED_VERSION })),
  }
  return [...checks, about]
}

/** Hot-updater §4: the original's servers offer nothing that was built before the binary. */
function takes({ embeddedUpdateId }: DeviceAttributes): ClientTakes {
  return {
    kinds: ['archive'],
    forms: ['plain'],
    embedded: true,
    exports: 'hot-updater',
    ...(embeddedUpdateId && { buildsFrom: embeddedUpdateId }),
  }
}

/** Hot-updater §9: whatever is not 200 is an error to the client. */
function renderProblem(known: Problem): PlainAnswer {
  const answer = jsonAnswer(JSON.stringify({ error: known.type, message: known.message }), known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
