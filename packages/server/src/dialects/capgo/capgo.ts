import { problem, type Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type {
  AppClaim,
  ChannelsRoute,
  CheckRoute,
  Dialect,
  DialectRoute,
  ReleaseRoute,
  ReportRoute,
} from '../../updates/dialect.ts'
import { asProblem, fieldsOf, objectsOf, optionalText, type Fields } from '../reading/read-fields.ts'
import { renderChannel, renderChannels, renderChosen, renderForgotten } from './channels.ts'
import { createPluginTakes } from './plugin-takes.ts'
import { readManifestQuestion, renderSizes } from './manifest-size.ts'
import { codeOf } from './error-codes.ts'
import { readChannelWish, readUpdateCheck } from './read-update-check.ts'
import { readStatistics, renderStatistics } from './read-statistics.ts'
import { createAnswerWriter } from './render-decision.ts'

const MAX_BODY_BYTES = 64 * 1024
/** The plugin keeps 200 events while it cannot send them, some with what a web page said went wrong. */
const MAX_STATISTICS_BYTES = 1024 * 1024
/** As many files as a manifest has. */
const MAX_MANIFEST_BYTES = 2 * 1024 * 1024

/** The update plugin for Capacitor by Capgo, in its automatic mode: docs/protocol/09-capgo.md. */
export function capgo(): Dialect {
  const writeAnswer = createAnswerWriter()
  const route = { access: 'public', maxBodyBytes: MAX_BODY_BYTES, nameApp } as const
  const check: CheckRoute = {
    ...route,
    kind: 'check',
    method: 'POST',
    path: '/capgo/updates',
    read: ({ body }) => readUpdateCheck(fieldsOf(body)),
    render: (answer, request) => jsonAnswer(writeAnswer(answer, request)),
  }
  const sizes: ReleaseRoute = {
    ...route,
    kind: 'release',
    method: 'POST',
    path: '/capgo/updates/manifest_size',
    maxBodyBytes: MAX_MANIFEST_BYTES,
    read: ({ body }) => readManifestQuestion(fieldsOf(body)),
    render: (release, { body }) => jsonAnswer(renderSizes(release, fieldsOf(body))),
  }
  const statistics: ReportRoute = {
    ...route,
    kind: 'report',
    method: 'POST',
    path: '/capgo/stats',
    maxBodyBytes: MAX_STATISTICS_BYTES,
    read: ({ body }) => readStatistics(body),
    render: (outcome, { body }) => jsonAnswer(renderStatistics(outcome, body)),
  }
  const channels: Omit<ChannelsRoute, 'method' | 'read' | 'render'> = {
    ...route,
    kind: 'channels',
    path: '/capgo/channel_self',
  }
  const choice: ChannelsRoute = {
    ...channels,
    method: 'POST',
    read: ({ body }) => readChannelWish(fieldsOf(body), 'channel'),
    render: (found, { body }) => renderChosen(found, fieldsOf(body)),
  }
  return {
    name: 'capgo',
    takes: createPluginTakes(),
    renderProblem,
    routes: [
      check,
      sizes,
      statistics,
      { ...channels, method: 'GET', read: () => ({}), render: renderChannels },
      { ...channels, method: 'PUT', read: ({ body }) => readChannelWish(fieldsOf(body)), render: renderChannel },
      choice,
      { ...channels, method: 'DELETE', read: () => ({}), render: renderForgotten },
    ],
  }
}

/** Capgo §1: the plugin has no header for a key, but takes addresses with a query. */
function nameApp(request: PlainRequest): AppClaim {
  const key = request.header('x-app-key') ?? asProblem(() => optionalText(request.query, 'key', 200))
  const bundleId = asProblem(() => optionalText(oneOf(request), 'app_id', 255))
  return { key, name: undefined, bundleId }
}

/** @throws problem invalid-request when a batch is of more than one app */
function oneOf({ body, query, method }: PlainRequest): Fields {
  if (method === 'GET' || method === 'DELETE') return body === undefined ? query : { ...query, ...fieldsOf(body) }
  const [first, ...others] = objectsOf(body)
  if (others.every((other) => other.app_id === first.app_id)) return first
  throw problem('invalid-request', 'Expected events of one app, found several.', { capgo: 'mixed_app_ids' })
}

/**
 * Capgo §6. What was asked and cannot be is an answer of its own for the plugin, and no failure of the server: only what
 * is malformed, may not ask or comes too often has another status.
 */
function renderProblem(known: Problem, _requestId: string, { kind }: DialectRoute): PlainAnswer {
  const { retryAfterSeconds } = known.extensions
  const limit = typeof retryAfterSeconds === 'number' ? { moreInfo: { retryAfterSeconds } } : {}
  const { error, kind: updateKind, status } = codeOf(known, kind)
  const body = { error, message: known.message, ...(kind === 'check' && { kind: updateKind }), ...limit }
  const answer = jsonAnswer(JSON.stringify(body), status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
