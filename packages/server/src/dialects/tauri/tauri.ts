import type { Problem } from '@hotpatch/protocol'
import { jsonAnswer, type PlainAnswer, type PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { CheckRoute, Dialect } from '../../updates/dialect.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'
import { takes } from './tauri-takes.ts'

/** The updater of Tauri 2, by a dynamic endpoint: docs/protocol/12-tauri.md. */
export function tauri(): Dialect {
  const check: Omit<CheckRoute, 'path'> = {
    kind: 'check',
    method: 'GET',
    access: 'public',
    maxBodyBytes: 0,
    nameApp: (request: PlainRequest) => ({
      key: request.header('x-app-key'),
      name: undefined,
      word: request.params.app,
    }),
    read: readUpdateCheck,
    render: renderDecision,
  }
  return {
    name: 'tauri',
    takes,
    renderProblem,
    routes: ['/tauri/:app', '/tauri'].map((base) => ({ ...check, path: `${base}/:channel/:target/:arch/:version` })),
  }
}

/** Tauri §6: whatever is no success sends the updater to its next endpoint; the rest is for whoever reads its log. */
function renderProblem(known: Problem): PlainAnswer {
  const answer = jsonAnswer(JSON.stringify({ code: known.type, message: known.message }), known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
