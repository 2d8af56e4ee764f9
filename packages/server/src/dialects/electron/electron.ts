import { REASON_SENTENCES } from '@hotpatch/api'
import type { CompiledRollout, Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { AskedCheck, AskedFeed, Dialect, DialectRoute, Feed } from '../../updates/dialect.ts'
import type { UpdateAnswer } from '../../updates/update-service.ts'
import { asProblem, text } from '../reading/read-fields.ts'
import { readChannelFile } from './channel-file.ts'
import { takes } from './electron-takes.ts'
import { FILES_PATH, readAskedFile, renderFile } from './release-files.ts'
import { updateInfoBody } from './update-info.ts'

/** Electron §4: by which the client itself would decide who is in a rollout. */
const STAGING_ID = 'x-user-staging-id'

/** The updater of electron-builder, with its generic provider: docs/protocol/11-electron.md. */
export function electron(): Dialect {
  return {
    name: 'electron',
    takes,
    renderProblem,
    routes: ['/electron/:app', '/electron'].flatMap(routesAt),
  }
}

function routesAt(base: string): DialectRoute[] {
  const route = {
    method: 'GET',
    access: 'public',
    maxBodyBytes: 0,
    nameApp: (request: PlainRequest) => ({
      key: request.header('x-app-key'),
      name: undefined,
      word: request.params.app,
    }),
  } as const
  return [
    {
      ...route,
      kind: 'feed',
      path: `${base}/:file`,
      judges: ['minOsVersion'],
      read: readFeed,
      render: renderFeed,
      forDevice: { isTold: isToldBy, read: readCheck, render: renderForDevice },
    },
    { ...route, kind: 'release', path: base + FILES_PATH, isDownload: true, read: readAskedFile, render: renderFile },
  ]
}

/** Electron §2. */
function readFeed({ params }: PlainRequest): AskedFeed & Pick<AskedCheck, 'platform'> {
  const { channel, platform, architecture } = readChannelFile(params.file ?? '')
  return { channel, platform, ...(architecture !== undefined && { attributes: { architecture } }) }
}

function isToldBy(request: PlainRequest): boolean {
  return (request.header(STAGING_ID) ?? '') !== ''
}

/** Electron §4: of the device nothing is known but which one it is: neither its version nor its system. */
function readCheck(request: PlainRequest): AskedCheck {
  const { channel, platform, attributes } = readFeed(request)
  const deviceId = asProblem(() => text({ [STAGING_ID]: request.header(STAGING_ID) }, STAGING_ID, 200))
  return {
    platform,
    channel,
    check: {
      deviceId,
      nativeVersion: undefined,
      runtimeVersion: undefined,
      current: { kind: 'embedded' },
      failedReleaseIds: [],
      cohorts: [],
      attributes,
    },
  }
}

function renderFeed(feed: Feed, request: PlainRequest): PlainAnswer {
  const [newest] = feed.filter(hasRelease)
  return newest ? render(newest, request) : nothing('nothing-published')
}

type WithRelease = CompiledRollout<OfferedRelease> & { target: OfferedRelease }

function hasRelease(rollout: CompiledRollout<OfferedRelease>): rollout is WithRelease {
  return rollout.target !== 'embedded'
}

/** The client compares what it is told with what it has: for one that has the newest, that is an answer as well. */
function renderForDevice({ decision }: UpdateAnswer, request: PlainRequest): PlainAnswer {
  if (decision.kind !== 'update') return nothing(decision.reason)
  return render({ target: decision.release, startedAt: decision.rollout.startedAt }, request)
}

function render(
  { target, startedAt }: Pick<WithRelease, 'target' | 'startedAt'>,
  { params }: PlainRequest,
): PlainAnswer {
  const body = updateInfoBody(target, { ...readChannelFile(params.file ?? ''), placedAt: startedAt ?? 0 })
  return { status: 200, headers: YAML_HEADERS, body }
}

/** Electron §4: what is for one device is for no other. */
const YAML_HEADERS = [
  'content-type',
  'application/yaml; charset=utf-8',
  'cache-control',
  'no-store',
  'vary',
  STAGING_ID,
]

/** Electron §6: an error to the client, which has no other word for it. */
function nothing(reason: keyof typeof REASON_SENTENCES): PlainAnswer {
  return refusal(reason, REASON_SENTENCES[reason], 404)
}

function refusal(code: string, message: string, status: number): PlainAnswer {
  return jsonAnswer(JSON.stringify({ code, message }), status)
}

function renderProblem(known: Problem): PlainAnswer {
  const answer = refusal(known.type, known.message, known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
