import { type HttpRequest, joinAddress } from '@hotpatch/device-ground'
import { AppUpdateError } from '../ground/app-update-error.ts'
import type { AppUpdaterOptions, DeviceFacts } from '../ground/settings.ts'

export const CHECK_PATH = '/api/updates/check'

/** As the contract writes them. */
const FACTS: Readonly<Record<keyof DeviceFacts, string>> = {
  osVersion: 'os_version',
  model: 'model',
  locale: 'locale',
  sdkVersion: 'sdk_version',
  isEmulator: 'is_emulator',
  isProduction: 'is_production',
  installSource: 'install_source',
}

/** App versions §2. @throws AppUpdateError 'insecure-url' when the server's address is none */
export function checkRequest(options: AppUpdaterOptions): HttpRequest {
  const { serverUrl, appKey, channel, deviceId, architecture, formats, cohorts } = options
  const url = joinAddress(serverUrl, CHECK_PATH)
  if (url === undefined) throw new AppUpdateError('insecure-url', `that is no address of a server: ${serverUrl}`)
  const body = {
    platform: options.platform,
    current_version: options.installedVersion,
    ...(deviceId !== undefined && { device_id: deviceId }),
    ...(channel !== undefined && { channel }),
    ...(architecture !== undefined && { architecture }),
    ...(formats !== undefined && { formats }),
    ...(cohorts !== undefined && { cohorts }),
    ...factsOf(options.device ?? {}),
  }
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    ...(appKey !== undefined && { 'x-app-key': appKey }),
  }
  return { method: 'POST', url, headers, body: JSON.stringify(body) }
}

function factsOf(device: DeviceFacts): Record<string, unknown> {
  const told = Object.entries(device).filter(([, value]) => value !== undefined)
  return Object.fromEntries(told.map(([name, value]) => [FACTS[name as keyof DeviceFacts], value]))
}
