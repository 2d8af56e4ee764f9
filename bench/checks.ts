import { APP, CHANNEL, deviceId, NATIVE_VERSION, NEWEST_VERSION, versionOf } from './seed.ts'

export type Method = 'GET' | 'POST'

/** What a device tells. */
interface Asked {
  deviceId: string
  version: string
}

/** As a phone's HTTP library sends it. */
const HEADERS = [
  `x-app-key: ${APP.key}`,
  'accept: application/json',
  'accept-encoding: gzip',
  'user-agent: okhttp/4.12.0',
  'connection: keep-alive',
]

/** Checks of so many devices, each at the version that its binary shipped with: all get the same answer. */
export function freshDevices(port: number, method: Method, devices: number): () => string {
  const write = requestWriter(port, method)
  let count = 0
  return () => write({ deviceId: deviceId(scatter(count++) % devices), version: NATIVE_VERSION })
}

/** Checks as a grown channel sees them: a third fresh, a third on any older release, a third up to date. */
export function mixedDevices(port: number, { devices, releases }: { devices: number; releases: number }): () => string {
  const write = requestWriter(port, 'GET')
  const versions = [
    () => NATIVE_VERSION,
    (count: number) => versionOf(1 + (scatter(count) % releases), releases),
    () => NEWEST_VERSION,
  ]
  let count = 0
  return () => {
    const index = count++
    const version = versions[index % versions.length]?.(index) ?? NATIVE_VERSION
    return write({ deviceId: deviceId(scatter(index) % devices), version })
  }
}

/** For `fetch`, where one answer is wanted. */
export function oneCheck(url: string): [url: string, init: RequestInit] {
  const query = queryOf({ deviceId: deviceId(0), version: NATIVE_VERSION })
  return [`${url}/update/check?${query}`, { headers: { 'x-app-key': APP.key } }]
}

function requestWriter(port: number, method: Method): (asked: Asked) => string {
  const head = [`host: 127.0.0.1:${port}`, ...HEADERS].join('\r\n')
  if (method === 'GET') return (asked) => `GET /update/check?${queryOf(asked)} HTTP/1.1\r\n${head}\r\n\r\n`
  return (asked) => {
    const body = bodyOf(asked)
    const type = `content-type: application/json\r\ncontent-length: ${body.length}`
    return `POST /update/check HTTP/1.1\r\n${head}\r\n${type}\r\n\r\n${body}`
  }
}

function queryOf({ deviceId, version }: Asked): string {
  return `appId=${APP.id}&platform=${APP.platform}&channel=${CHANNEL}&deviceId=${deviceId}&version=${version}&nativeVersion=${NATIVE_VERSION}`
}

function bodyOf({ deviceId, version }: Asked): string {
  return JSON.stringify({
    appId: APP.id,
    platform: APP.platform,
    channel: CHANNEL,
    deviceId,
    version,
    nativeVersion: NATIVE_VERSION,
  })
}

/** Neighbours in time are not neighbours in an index. */
function scatter(count: number): number {
  return Math.imul(count, 0x9e3779b1) >>> 0
}
