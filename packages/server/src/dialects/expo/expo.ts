import type { ClientTakes, DeviceAttributes } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { CheckRoute, Dialect, ReleaseRoute } from '../../updates/dialect.ts'
import { ASSETS_PATH, readAskedAsset, renderAsset } from './assets.ts'
import { renderProblem } from './answers.ts'
import { readUpdateCheck } from './read-update-check.ts'
import { renderDecision } from './render-decision.ts'

/** Clients of Expo Updates, unmodified: docs/protocol/16-expo.md. */
export function expo(): Dialect {
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
    path: '/expo/:app/manifest',
    read: readUpdateCheck,
    render: renderDecision,
  }
  const assets: ReleaseRoute = {
    ...route,
    kind: 'release',
    path: ASSETS_PATH,
    isDownload: true,
    read: readAskedAsset,
    render: renderAsset,
  }
  return { name: 'expo', takes, renderProblem, routes: [check, assets] }
}

/** Expo §1: a way back to embedded is a directive, of which only version 1 knows. */
function takes({ sdkVersion, answerKeyId }: DeviceAttributes): ClientTakes {
  return {
    kinds: ['files'],
    forms: ['plain'],
    embedded: sdkVersion !== '0',
    listed: true,
    exports: 'expo',
    ...(answerKeyId && { answersSignedBy: answerKeyId }),
  }
}
