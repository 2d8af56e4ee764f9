import type { Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { CheckRoute, Dialect, FeedRoute } from '../../updates/dialect.ts'
import { fieldsOf } from '../reading/read-fields.ts'
import { createInstallerTakes } from './installer-takes.ts'
import { readLatest, readUpdateCheck } from './read-update-check.ts'
import { renderDecision, renderLatest } from './render-decision.ts'

const MAX_BODY_BYTES = 64 * 1024

/** Whole apps that are installed outside the stores: docs/protocol/13-app-versions.md. */
export function appVersions(): Dialect {
  const takes = createInstallerTakes()
  const route = {
    access: 'public',
    nameApp: (request: PlainRequest) => ({ key: request.header('x-app-key'), name: undefined }),
  } as const
  const check: CheckRoute = {
    ...route,
    kind: 'check',
    method: 'POST',
    path: '/api/updates/check',
    maxBodyBytes: MAX_BODY_BYTES,
    read: ({ body }) => readUpdateCheck(fieldsOf(body)),
    render(answer, { publicUrl }) {
      const { nativeVersion: currentVersion = '', attributes = {} } = answer.device
      return renderDecision(answer, { currentVersion, taken: takes(attributes).binaries, publicUrl })
    },
  }
  const latest: FeedRoute = {
    ...route,
    kind: 'feed',
    method: 'GET',
    path: '/api/updates/latest',
    maxBodyBytes: 0,
    judges: [],
    read: ({ query }) => readLatest(query),
    render(feed, { query, publicUrl }) {
      const { platform, attributes } = readLatest(query)
      return renderLatest(feed, { platform, taken: takes(attributes).binaries, publicUrl }) ?? NOTHING
    },
  }
  return { name: 'app-versions', takes, renderProblem, routes: [check, latest] }
}

const NOTHING = refusal('release-not-found', 'Nothing is in force for everyone on this platform and channel.', 404)

function renderProblem(known: Problem): PlainAnswer {
  const answer = refusal(known.type, known.message, known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}

/** App versions §5. */
function refusal(error: string, message: string, status: number): PlainAnswer {
  return jsonAnswer(JSON.stringify({ ok: false, error, message }), status)
}
