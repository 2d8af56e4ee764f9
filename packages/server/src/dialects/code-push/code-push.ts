import type { ClientTakes, Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { AppClaim, CheckRoute, Dialect, KeyWords, ReportRoute } from '../../updates/dialect.ts'
import { ARCHIVES_WITHOUT_EMBEDDED } from '../reading/archives-as-they-are.ts'
import { asProblem, fieldsOf, optionalText } from '../reading/read-fields.ts'
import { readDeployReport, readDownloadReport } from './read-reports.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './render-decision.ts'
import { fieldsInBothSpellings } from './spellings.ts'

const MAX_BODY_BYTES = 16 * 1024

/** A client that tells no version of its shell is one that shows the apps of others, and takes all of theirs. */
const CODE_PUSH_TAKES: ClientTakes = { ...ARCHIVES_WITHOUT_EMBEDDED, judges: ['minNativeVersion', 'nativeRange'] }

const CHECK_PATHS = ['/v0.1/public/codepush/update_check', '/updateCheck']
const DEPLOY_PATHS = ['/v0.1/public/codepush/report_status/deploy', '/reportStatus/deploy']
const DOWNLOAD_PATHS = ['/v0.1/public/codepush/report_status/download', '/reportStatus/download']

/** CodePush's SDKs and their forks: docs/protocol/19-code-push.md. */
export function codePush(): Dialect {
  const writeAnswer = createAnswerWriter()
  const check = (path: string): CheckRoute => ({
    kind: 'check',
    method: 'GET',
    path,
    access: 'app-key',
    maxBodyBytes: 0,
    nameApp: (request) => claimOf(request, request.query),
    read: readUpdateCheck,
    render: (answer, request) => jsonAnswer(writeAnswer(answer, request)),
  })
  const report = (read: (body: unknown) => ReturnType<ReportRoute['read']>) => {
    return (path: string): ReportRoute => ({
      kind: 'report',
      method: 'POST',
      path,
      access: 'app-key',
      maxBodyBytes: MAX_BODY_BYTES,
      nameApp: (request) => claimOf(request, request.body),
      read: ({ body }) => read(body),
      // Of a label that is not here any more, too: clients send again what was refused, at every start.
      render: () => textAnswer('OK', 200),
    })
  }
  return {
    name: 'code-push',
    takes: () => CODE_PUSH_TAKES,
    renderProblem,
    routes: [
      ...CHECK_PATHS.map(check),
      ...DEPLOY_PATHS.map(report(readDeployReport)),
      ...DOWNLOAD_PATHS.map(report(readDownloadReport)),
    ],
  }
}

const DEPLOYMENT_KEY: KeyWords = {
  key: 'deployment key of this request, CodePushDeploymentKey in the app',
  missing: 'Expected deployment_key, the deployment key of the app (CodePushDeploymentKey), found none.',
}

/** Code Push §1: what it calls a deployment key is a key of a channel for one platform. */
function claimOf(request: PlainRequest, told: unknown): AppClaim {
  const fields = fieldsInBothSpellings(fieldsOf(told))
  const key = request.header('x-app-key') ?? asProblem(() => optionalText(fields, 'deployment_key', 200))
  return { key, name: undefined, said: DEPLOYMENT_KEY }
}

/** Code Push §1: clients show the text, and look at nothing but the status. */
function renderProblem(known: Problem): PlainAnswer {
  const answer = textAnswer(`${known.message} (${known.type})`, known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}

function textAnswer(body: string, status: number): PlainAnswer {
  return { status, headers: ['content-type', 'text/plain; charset=utf-8', 'cache-control', 'no-store'], body }
}
