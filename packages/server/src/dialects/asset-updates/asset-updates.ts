import { problem, type ClientTakes } from '@hotpatch/protocol'
import { jsonAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { problemAnswer } from '../../ground/http/problem-document.ts'
import type { Dialect } from '../../updates/dialect.ts'
import { fieldsOf } from '../reading/read-fields.ts'
import { readAskedManifest, readProjectId, readUpdateCheck } from './read-update-check.ts'
import { createAnswerWriter } from './write-answers.ts'

const MAX_BODY_BYTES = 64 * 1024

/** Whose manifests list every file. */
const LISTED_FILES: ClientTakes = { kinds: ['files'], forms: ['plain'], embedded: true, listed: true }

/** Updates of a manifest and assets: docs/protocol/15-asset-updates.md. */
export function assetUpdates(): Dialect {
  const answers = createAnswerWriter()
  return {
    name: 'asset-updates',
    isCrossOrigin: true,
    takes: () => LISTED_FILES,
    renderProblem: problemAnswer,
    routes: [
      {
        kind: 'check',
        method: 'POST',
        path: '/api/v1/updates/check',
        access: 'app-key',
        maxBodyBytes: MAX_BODY_BYTES,
        nameApp: (request) => ({ key: keyOf(request), name: readProjectId(fieldsOf(request.body)) }),
        read: ({ body }) => readUpdateCheck(fieldsOf(body)),
        render: (answer, { publicUrl }) => jsonAnswer(answers.writeDecision(answer, publicUrl)),
      },
      {
        kind: 'release',
        method: 'GET',
        path: '/api/v1/manifests/:id',
        access: 'app-key',
        maxBodyBytes: 0,
        nameApp: (request) => ({ key: keyOf(request), name: readProjectId(request.query) }),
        read: readAskedManifest,
        render(release, { params, publicUrl }, earlier) {
          if (!release) throw problem('release-not-found', `There is no update with the id ${params.id?.slice(0, 64)}.`)
          const body = answers.writeManifest(release, earlier, publicUrl)
          if (body === undefined) throw problem('unavailable', 'The list of its files is not in memory for now.')
          return jsonAnswer(body)
        },
      },
    ],
  }
}

function keyOf(request: PlainRequest): string | undefined {
  return request.header('x-app-key')
}
