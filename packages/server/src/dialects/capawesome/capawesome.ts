import type { Problem } from '@hotpatch/protocol'
import type { PlainAnswer, PlainRequest } from '../../ground/http/plain-request.ts'
import { retryHeaders } from '../../ground/http/problem-document.ts'
import type { CheckRoute, ChannelsRoute, Dialect, ReleaseRoute } from '../../updates/dialect.ts'
import { readChannelList, renderChannels } from './channels.ts'
import { FILES_PATH, readAskedBundle, renderFile } from './files.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { refusal } from './refusal.ts'
import { ARCHIVES_WITHOUT_EMBEDDED } from '../reading/archives-as-they-are.ts'
import { renderDecision } from './render-decision.ts'

/** The live update plugin for Capacitor by Capawesome: docs/protocol/10-capawesome.md. */
export function capawesome(): Dialect {
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
  const check: CheckRoute = {
    ...route,
    kind: 'check',
    path: '/v1/apps/:app/bundles/latest',
    read: readUpdateCheck,
    render: renderDecision,
  }
  const files: ReleaseRoute = {
    ...route,
    kind: 'release',
    path: FILES_PATH,
    isDownload: true,
    read: readAskedBundle,
    render: renderFile,
  }
  const channels: ChannelsRoute = {
    ...route,
    kind: 'channels',
    path: '/v1/apps/:app/channels',
    read: readChannelList,
    render: renderChannels,
  }
  return { name: 'capawesome', takes: () => ARCHIVES_WITHOUT_EMBEDDED, renderProblem, routes: [check, files, channels] }
}

/** Capawesome §6: the plugin looks at the status alone; the rest is for whoever reads its log. */
function renderProblem(known: Problem): PlainAnswer {
  const answer = refusal(known.type, known.message, known.status)
  return { ...answer, headers: [...answer.headers, ...retryHeaders(known)] }
}
