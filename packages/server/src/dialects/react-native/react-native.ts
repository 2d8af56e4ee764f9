import { problem } from '@hotpatch/protocol'
import { problemAnswer } from '../../ground/http/problem-document.ts'
import { jsonAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import type { AppClaim, Dialect, ReportOutcome } from '../../updates/dialect.ts'
import { decryptingTakes } from '../reading/decrypting-takes.ts'
import { fieldsOf, fieldsOfQuery, type Fields } from '../reading/read-fields.ts'
import { readAppId, readRegistration, readReport, readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './render-decision.ts'

const MAX_BODY_BYTES = 64 * 1024

/** The device side of the React Native contract, docs/protocol/05-react-native.md. */
export function reactNative(): Dialect {
  const writeAnswer = createAnswerWriter()
  const route = { access: 'app-key', maxBodyBytes: MAX_BODY_BYTES, nameApp } as const
  const check = {
    ...route,
    kind: 'check',
    path: '/update/check',
    read: (request) => readUpdateCheck(fieldsOfRequest(request)),
    render: (answer, request) => jsonAnswer(writeAnswer(answer, request)),
  } as const satisfies Omit<Extract<Dialect['routes'][number], { kind: 'check' }>, 'method'>

  return {
    name: 'react-native',
    takes: decryptingTakes(),
    renderProblem: problemAnswer,
    routes: [
      { ...check, method: 'GET' },
      { ...check, method: 'POST' },
      {
        ...route,
        kind: 'report',
        method: 'POST',
        path: '/installations',
        read: ({ body }) => {
          const { deviceId, ...event } = readReport(fieldsOf(body))
          return { deviceId, events: [{ index: 0, event }], rejected: [] }
        },
        render: renderRecorded,
      },
      {
        ...route,
        kind: 'registration',
        method: 'POST',
        path: '/devices',
        read: ({ body }) => ({ wantsCredential: false, ...readRegistration(fieldsOf(body)) }),
        render: (registered) => jsonAnswer(JSON.stringify({ registered: true, ...registered })),
      },
    ],
  }
}

/** React Native §5. */
function nameApp(request: PlainRequest): AppClaim {
  return { key: request.header('x-app-key'), name: readAppId(fieldsOfRequest(request)) }
}

/** The contract's original clients send a JSON body with GET, too. */
function fieldsOfRequest({ method, query, body }: PlainRequest): Fields {
  if (method !== 'GET') return fieldsOf(body)
  const fields = fieldsOfQuery(query)
  return body === undefined ? fields : { ...fields, ...fieldsOf(body) }
}

/** React Native §3: one report, and its status as it was told. */
function renderRecorded({ accepted, rejected }: ReportOutcome, { body }: PlainRequest) {
  const [refused] = rejected
  if (refused) throw problem(refused.type, refused.detail)
  const releaseId = accepted[0]?.releaseId ?? null
  return jsonAnswer(JSON.stringify({ recorded: true, releaseId, status: fieldsOf(body).status }))
}
