import { DEFAULT_CHANNEL } from '@hotpatch/api'
import type { CompiledRollout, Problem } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Body } from '../../ground/http/made-body.ts'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import { offeredUrl } from '../../ground/http/public-url.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedCheck, AskedFeed, Dialect, Feed } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { ARCHIVES_WITHOUT_EMBEDDED } from '../reading/archives-as-they-are.ts'
import { asProblem, fieldsOfQuery, optionalPlatform, readPlatform, text, toldText } from '../reading/read-fields.ts'
import { contentOf } from '../../updates/content-of.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'

const BASE = '/api/v1/native/bundle'

/** Web bundle §2. */
const Manifest = Type.Object(
  {
    version: Type.String({ minLength: 1 }),
    url: Type.String({ pattern: '^https?://' }),
    checksum: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    minNativeVersion: Type.String({ minLength: 1 }),
    signature: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$' })),
  },
  { additionalProperties: false },
)
const validator = Compile(Manifest)
const remember = rememberAnswers()

/** What the plugin calls a bundle that its binary shipped with, beside the shell's version. */
const BUILT_IN = 'builtin'
const MAX_VERSION = 100

/** Every shell runs it. */
const NO_MINIMUM = '0.0.0'

/** The web bundle that follows its backend, docs/protocol/07-web-bundle.md: for apps that judge it themselves. */
export function webBundle(): Dialect {
  const route = {
    kind: 'feed',
    method: 'GET',
    access: 'public',
    maxBodyBytes: 0,
    judges: ['minNativeVersion'],
    nameApp: (request: PlainRequest) => ({ key: request.header('x-app-key'), name: undefined }),
    read: readPlace,
  } as const
  return {
    name: 'web-bundle',
    takes: () => ARCHIVES_WITHOUT_EMBEDDED,
    isCrossOrigin: true,
    renderProblem,
    routes: [
      {
        ...route,
        path: `${BASE}/manifest`,
        render: renderManifest,
        forDevice: { isTold: ({ query }) => isTold(query), read: readCheck, render: renderForDevice },
      },
      {
        ...route,
        path: `${BASE}/download`,
        render: (feed: Feed) => {
          const release = newestOf(feed)
          return release
            ? { servedFrom: offeredUrl('', contentOf(release, 'archive').sha256, release.id) }
            : notAvailable()
        },
      },
    ],
  }
}

/** Web bundle §1. */
function readPlace({ query }: PlainRequest): AskedFeed {
  return asProblem(() => {
    const fields = fieldsOfQuery(query)
    return {
      platform: optionalPlatform(fields),
      channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
    }
  })
}

/** Web bundle §9: sent empty, it is not told. */
function isTold({ deviceId }: PlainRequest['query']): boolean {
  return deviceId !== undefined && deviceId !== ''
}

function readCheck({ query }: PlainRequest): AskedCheck {
  return asProblem(() => {
    const fields = fieldsOfQuery(query)
    const version = toldText(fields, 'version', MAX_VERSION)
    return {
      platform: readPlatform(fields),
      channel: toldText(fields, 'channel', 63) ?? DEFAULT_CHANNEL,
      check: {
        deviceId: text(fields, 'deviceId', 200),
        nativeVersion: toldText(fields, 'nativeVersion', 64),
        runtimeVersion: undefined,
        current: version === undefined || version === BUILT_IN ? { kind: 'embedded' } : { kind: 'version', version },
        failedReleaseIds: [],
        cohorts: [],
      },
    }
  })
}

/** Web bundle §9: of what the device is to run, whether it does already or not; it compares. */
function renderForDevice({ decision, running, awaitsNative }: UpdateAnswer, request: PlainRequest): PlainAnswer {
  // Web bundle §3: it is not what it is to run.
  if (decision.reason === 'embedded-not-taken') return notAvailable()
  switch (decision.kind) {
    case 'update':
      return jsonAnswer(manifestBody(decision.release, request.publicUrl))
    case 'native-update-required':
      return awaitsNative ? jsonAnswer(manifestBody(awaitsNative, request.publicUrl)) : notAvailable()
    case 'up-to-date':
      return running ? jsonAnswer(manifestBody(running, request.publicUrl)) : notAvailable()
    case 'embedded':
      throw new Error('An answer was stopped that Web bundle §3 has no word for: embedded.')
  }
}

function renderManifest(feed: Feed, request: PlainRequest): PlainAnswer {
  const release = newestOf(feed)
  return release ? jsonAnswer(manifestBody(release, request.publicUrl)) : notAvailable()
}

function manifestBody(release: OfferedRelease, publicUrl: string): Body {
  return remember(release, publicUrl, () => writeManifest(release, publicUrl))
}

/** @throws when it would not be a manifest: none that is malformed leaves the server */
export function writeManifest(release: OfferedRelease, publicUrl: string): string {
  const { sha256 } = contentOf(release, 'archive')
  const manifest: Static<typeof Manifest> = {
    version: release.version,
    url: offeredUrl(publicUrl, sha256, release.id),
    checksum: sha256,
    minNativeVersion: release.requirement.minNativeVersion ?? NO_MINIMUM,
    // Web bundle §6.
    ...(release.signature && { signature: release.signature }),
  }
  if (validator.Check(manifest)) return JSON.stringify(manifest)
  const first = validator.Errors(manifest)[0]
  throw new Error(`A manifest was stopped that is not as Web bundle §2 has it: ${JSON.stringify(first)}`)
}

/** Web bundle §3: above a roll-back to what the binary shipped with; if there is nothing, the app keeps what it has. */
function newestOf([first]: readonly CompiledRollout<OfferedRelease>[]): OfferedRelease | undefined {
  return first === undefined || first.target === 'embedded' ? undefined : first.target
}

function notAvailable(): PlainAnswer {
  const message = 'Nothing is in force here for everyone.'
  return jsonAnswer(JSON.stringify({ code: 'OTA_BUNDLE_NOT_AVAILABLE', message }), 404)
}

/** Web bundle §4: such as APP_KEY_REQUIRED. */
function renderProblem(known: Problem): PlainAnswer {
  const code = known.type.replaceAll('-', '_').toUpperCase()
  const { status, headers, body } = jsonAnswer(JSON.stringify({ code, message: known.message }), known.status)
  return { status, headers: [...headers, ...retryHeaders(known)], body }
}
