import { problemAnswer } from '../../ground/http/problem-document.ts'
import { jsonAnswer } from '../../ground/http/plain-request.ts'
import type { Dialect } from '../../updates/dialect.ts'
import { decryptingTakes } from '../reading/decrypting-takes.ts'
import { fieldsOf } from '../reading/read-fields.ts'
import { readAppId, readEvents } from './read-events.ts'

const MAX_BODY_BYTES = 256 * 1024

/** Our own SDKs' way to report: many events in one request, docs/protocol/06-events.md. */
export function hotPatchEvents(): Dialect {
  return {
    name: 'hotpatch',
    takes: decryptingTakes(),
    isCrossOrigin: true,
    renderProblem: problemAnswer,
    routes: [
      {
        kind: 'report',
        method: 'POST',
        path: '/events',
        access: 'app-key',
        maxBodyBytes: MAX_BODY_BYTES,
        nameApp: (request) => ({ key: request.header('x-app-key'), name: readAppId(fieldsOf(request.body)) }),
        read: ({ body }) => {
          const { envelope, events, rejected } = readEvents(fieldsOf(body))
          const { deviceId, ...told } = envelope
          return {
            deviceId,
            events: events.map(({ index, event }) => ({ index, event: { ...told, ...event } })),
            rejected,
          }
        },
        // Events §5.
        render: ({ accepted, rejected }) => jsonAnswer(JSON.stringify({ accepted: accepted.length, rejected })),
      },
    ],
  }
}
