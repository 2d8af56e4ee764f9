import { DEFAULT_PROFILE, traitsOf } from '@hotpatch/simulator'
import { APP, CHANNEL, NATIVE_VERSION, NEWEST_VERSION, releaseId } from './seed.ts'

/** So many kinds of phones are enough for their attributes to be as different as real ones. */
const KINDS = 4096

/**
 * The checks of a simulated fleet, one device after the other: each begins with what its binary shipped with, and says
 * from its second check on that it runs the newest release.
 */
export function fleetRequests(port: number, { devices, releases }: { devices: number; releases: number }) {
  const fleet = { seed: 'bench', platforms: [APP.platform], profile: DEFAULT_PROFILE }
  const kinds = Array.from({ length: KINDS }, (_, index) => {
    const { model, osVersion, locale } = traitsOf(index, fleet)
    return JSON.stringify({ model, osVersion, locale }).slice(1)
  })
  const head = [
    'POST /update/check HTTP/1.1',
    `host: 127.0.0.1:${port}`,
    `x-app-key: ${APP.key}`,
    'content-type: application/json',
    'accept: application/json',
    'accept-encoding: gzip',
    'user-agent: okhttp/4.12.0',
    'connection: keep-alive',
  ].join('\r\n')
  const common = `"appId":"${APP.id}","platform":"${APP.platform}","channel":"${CHANNEL}","nativeVersion":"${NATIVE_VERSION}"`
  const first = `"version":"${NATIVE_VERSION}"`
  const later = `"version":"${NEWEST_VERSION}","releaseId":"${releaseId(releases)}"`
  let count = 0

  return function next(): string {
    const index = count % devices
    const running = count < devices ? first : later
    count++
    const body = `{${common},${running},"deviceId":"sim-bench-${index}",${kinds[index % KINDS]}`
    return `${head}\r\ncontent-length: ${body.length}\r\n\r\n${body}`
  }
}
