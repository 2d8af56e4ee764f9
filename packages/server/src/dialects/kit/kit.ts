import type { Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { Dialect, FeedRoute } from '../../updates/dialect.ts'
import { createKitTakes } from './kit-takes.ts'
import { readKitCheck, readKitFeed, tellsInstallation } from './read-kit-check.ts'
import { renderCheck, renderFeed, type KitFileName } from './render-kit.ts'

/** Several components that are moved together: docs/protocol/22-kit.md §6. */
export function kit(): Dialect {
  const route = (file: KitFileName): FeedRoute => ({
    kind: 'feed',
    method: 'GET',
    path: `/personal-kit/:channel/${file}`,
    access: 'app-key',
    maxBodyBytes: 0,
    judges: ['minNativeVersion'],
    nameApp: (request: PlainRequest) => ({ key: request.header('x-app-key'), name: undefined }),
    read: readKitFeed,
    render: (feed, request, _app, findRestatement) => renderFeed(feed, request, { file, findRestatement }),
    forDevice: {
      isTold: tellsInstallation,
      read: readKitCheck,
      render: (answer, request) => renderCheck(answer, request, file),
    },
  })
  return {
    name: 'kit',
    takes: createKitTakes(),
    renderProblem,
    routes: [route('latest.json'), route('latest.json.sig'), route('latest.json.minisig')],
  }
}

/** Kits §6.4. */
function renderProblem(known: Problem): PlainAnswer {
  const answer = jsonAnswer(JSON.stringify({ code: known.type, message: known.message }), known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
