import type { OneRequest } from './bare-answer.ts'
import { BINARIES, BUILDS, FILES } from './other-contents.ts'
import { APP, CHANNEL, DEPLOYMENT_KEY, deviceId, NATIVE_VERSION, NEWEST_VERSION, versionOf } from './seed.ts'

/** What a device tells. */
interface Asked {
  deviceId: string
  version: string
}

/** A client, and what it sends for that. */
export interface Client {
  name: string
  ask(asked: Asked): Question
}

interface Question {
  path: string
  body?: string
  /** Of clients that have no key of the app's: what they send instead. */
  headers?: Readonly<Record<string, string>>
}

/** One row each: a dialect joins by its line. With a body it is POST. */
export const CLIENTS = [
  { name: 'React Native by GET', ask: (asked) => ({ path: `/update/check?${queryOf(asked)}` }) },
  { name: 'React Native by POST', ask: (asked) => ({ path: '/update/check', body: bodyOf(asked) }) },
  { name: "Capgo's plugin", ask: (asked) => ({ path: '/capgo/updates', body: capgoBodyOf(asked) }) },
  {
    name: "Capawesome's plugin",
    ask: (asked) => ({ path: `/v1/apps/${APP.id}/bundles/latest?${capawesomeQueryOf(asked)}` }),
  },
  {
    name: "CodePush's clients",
    ask: (asked) => ({ path: `/v0.1/public/codepush/update_check?${codePushQueryOf(asked)}`, headers: {} }),
  },
  { name: "hot-updater's client", ask: (asked) => ({ path: hotUpdaterPathOf(asked), headers: HOT_UPDATER }) },
  { name: 'web bundle', ask: () => ({ path: `/api/v1/native/bundle/manifest?${PLACE}` }) },
  {
    name: 'electron-updater',
    ask: () => ({ path: `/electron/${BINARIES.slug}/latest-linux.yml`, headers: {} }),
  },
  {
    name: "Tauri's updater",
    ask: () => ({ path: `/tauri/${BINARIES.slug}/${CHANNEL}/linux/x86_64/${NATIVE_VERSION}`, headers: {} }),
  },
  {
    name: 'app versions',
    ask: ({ deviceId }) => ({
      path: `/apps/${BINARIES.slug}/api/updates/check`,
      body: appBodyOf(deviceId),
      headers: {},
    }),
  },
  { name: 'appcast', ask: () => ({ path: `/apps/${BINARIES.slug}/appcast.xml`, headers: {} }) },
  {
    name: 'asset updates',
    ask: ({ deviceId }) => ({
      path: `/apps/${FILES.slug}/api/v1/updates/check`,
      body: assetsBodyOf(deviceId),
      headers: {},
    }),
  },
  {
    name: 'Expo Updates, 1,000 assets',
    ask: ({ deviceId }) => ({ path: `/expo/${FILES.slug}/manifest`, headers: expoHeadersOf(deviceId) }),
  },
] as const satisfies readonly Client[]

/** The one that all measurements but throughput ask as. */
const [USUAL] = CLIENTS

/** As a phone's HTTP library sends it. */
const OF_LIBRARY = { 'accept-encoding': 'gzip', 'user-agent': 'okhttp/4.12.0', connection: 'keep-alive' }
const HEADERS = Object.entries(OF_LIBRARY).map(([name, value]) => `${name}: ${value}`)
const WITH_KEY = { 'x-app-key': APP.key, accept: 'application/json' }

/** Checks of so many devices, each at the version that its binary shipped with: all get the same answer. */
export function freshDevices(port: number, devices: number, client: Client = USUAL): () => string {
  const write = requestWriter(port, client)
  let count = 0
  return () => write({ deviceId: deviceId(scatter(count++) % devices), version: NATIVE_VERSION })
}

/** Checks as a grown channel sees them: a third fresh, a third on any older release, a third up to date. */
export function mixedDevices(port: number, { devices, releases }: { devices: number; releases: number }): () => string {
  const write = requestWriter(port, USUAL)
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

/** Where one answer is wanted. */
export function oneCheck(url: string, client: Client = USUAL): [url: string, request: OneRequest] {
  const { path, body, headers: own = WITH_KEY } = client.ask({ deviceId: deviceId(0), version: NATIVE_VERSION })
  const headers = { ...OF_LIBRARY, ...own }
  if (body === undefined) return [url + path, { method: 'GET', headers }]
  return [url + path, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }]
}

function requestWriter(port: number, client: Client): (asked: Asked) => string {
  return (asked) => {
    const { path, body, headers = WITH_KEY } = client.ask(asked)
    const own = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
    const head = [`host: 127.0.0.1:${port}`, ...own, ...HEADERS].join('\r\n')
    if (body === undefined) return `GET ${path} HTTP/1.1\r\n${head}\r\n\r\n`
    const type = `content-type: application/json\r\ncontent-length: ${body.length}`
    return `POST ${path} HTTP/1.1\r\n${head}\r\n${type}\r\n\r\n${body}`
  }
}

const PLACE = `platform=${APP.platform}&channel=${CHANNEL}`

function queryOf({ deviceId, version }: Asked): string {
  return `appId=${APP.id}&${PLACE}&deviceId=${deviceId}&version=${version}&nativeVersion=${NATIVE_VERSION}`
}

/** As the plugin sends it, of an Android app. */
function capawesomeQueryOf({ deviceId }: Asked): string {
  const told = `appVersionCode=1&appVersionName=${NATIVE_VERSION}&platform=0&osVersion=35&pluginVersion=8.4.3`
  return `${told}&channelName=${CHANNEL}&deviceId=${deviceId}`
}

function codePushQueryOf({ deviceId }: Asked): string {
  return `deployment_key=${DEPLOYMENT_KEY}&app_version=${NATIVE_VERSION}&client_unique_id=${deviceId}`
}

/** Its devices are told apart by nothing but their cohort, of which there are 1,000. */
function hotUpdaterPathOf({ deviceId }: Asked): string {
  const cohort = 1 + (scatter(Number.parseInt(deviceId.replaceAll(/\D/g, '').slice(-6), 10) || 0) % 1_000)
  const binary = `${NATIVE_VERSION}/${CHANNEL}/${BUILDS.embeddedId}/${BUILDS.embeddedId}`
  return `/hot-updater/${BUILDS.slug}/app-version/android/${binary}/${cohort}`
}

const HOT_UPDATER = { 'hot-updater-sdk-version': '0.36.3', 'content-type': 'application/json' }

function capgoBodyOf({ deviceId, version }: Asked): string {
  return JSON.stringify({
    platform: APP.platform,
    device_id: deviceId,
    app_id: 'com.example.bench',
    custom_id: '',
    version_build: NATIVE_VERSION,
    version_code: '1',
    version_os: '15',
    version_name: version,
    plugin_version: '8.51.23',
    is_emulator: false,
    is_prod: true,
    install_source: 'google_play',
    defaultChannel: CHANNEL,
  })
}

/** As a Flutter app sends it. */
function appBodyOf(deviceId: string): string {
  const current_version = `${NATIVE_VERSION}+1`
  return JSON.stringify({ platform: 'linux', current_version, architecture: 'x64', device_id: deviceId })
}

function assetsBodyOf(deviceId: string): string {
  const { slug: projectId, runtimeVersion } = FILES
  return JSON.stringify({ projectId, channel: CHANNEL, platform: APP.platform, runtimeVersion, deviceId })
}

function expoHeadersOf(deviceId: string): Record<string, string> {
  return {
    accept: 'multipart/mixed,application/expo+json,application/json',
    'expo-platform': APP.platform,
    'expo-protocol-version': '1',
    'expo-runtime-version': FILES.runtimeVersion,
    'expo-channel-name': CHANNEL,
    'eas-client-id': `00000000-0000-4000-8000-${deviceId.slice(-8).padStart(12, '0')}`,
  }
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
