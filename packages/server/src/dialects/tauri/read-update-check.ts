import { problem } from '@hotpatch/protocol'
import type { PlainRequest } from '../../ground/http/plain-request.ts'
import type { AskedCheck } from '../../updates/dialect.ts'
import { asProblem, fieldsOf, text, toldText } from '../reading/read-fields.ts'
import { platformOfTarget } from './tauri-takes.ts'

/** Tauri §2: what the updater puts into its endpoint, and what the app may add. */
export function readUpdateCheck(request: Pick<PlainRequest, 'params' | 'query' | 'header'>): AskedCheck {
  const { params } = request
  const { target = '', channel = '' } = params
  const platform = platformOfTarget(target)
  if (!platform) {
    const expected = 'linux, darwin or windows, as {{target}} has it'
    throw problem('platform-not-found', `target: expected ${expected}, found "${target.slice(0, 50)}".`)
  }
  return asProblem(() => {
    const told = { ...params, bundle: request.query.bundle_type, deviceId: request.header('x-device-id') }
    const bundle = toldText(fieldsOf(told), 'bundle', 20)
    const version = text(told, 'version', 100)
    return {
      platform,
      channel,
      check: {
        deviceId: told.deviceId === undefined || told.deviceId === '' ? null : text(told, 'deviceId', 200),
        nativeVersion: version,
        runtimeVersion: undefined,
        current: { kind: 'version', version },
        failedReleaseIds: [],
        cohorts: [],
        attributes: {
          architecture: toldText(told, 'arch', 64),
          // What it was installed from, where the updater knows it.
          ...(bundle !== undefined && bundle !== 'unknown' && { installSource: bundle }),
        },
      },
    }
  })
}
