import { parseMultipartMixedResponseAsync } from '@expo/multipart-body-parser'
import { textOf } from '../../../ground/http/made-body.ts'
import { parseDictionary } from 'structured-headers'
import type { PlainAnswer } from '../../../ground/http/plain-request.ts'

/** What a client of Expo keeps of an update. */
interface StoredUpdate {
  id: string
  commitTime: number
  runtimeVersion: string
  launches: number
  failures: number
}

interface SimulatedOptions {
  platform: 'android' | 'ios'
  deviceId: string
  runtimeVersion: string
  embedded: { id: string; builtAt: number }
  /** Whether what the id names comes up. */
  starts(updateId: string): boolean
}

/** As Expo's own Kotlin has it; undefined: it cannot be read, and iOS may end the app over it. */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * The rules of expo-updates 57 by which a client chooses: `LoaderSelectionPolicyFilterAware`,
 * `LauncherSelectionPolicyFilterAware`, `ReaperSelectionPolicyFilterAware`, `UpdateDao` and `FileDownloader`, written
 * again for tests, over parsers that are not ours.
 */
export function createSimulatedClient(options: SimulatedOptions) {
  const { platform, deviceId, runtimeVersion, embedded, starts } = options
  let stored: StoredUpdate[] = [
    { id: embedded.id, commitTime: embedded.builtAt, runtimeVersion, launches: 0, failures: 0 },
  ]
  let serverDefined: Record<string, string> = {}
  let fatalError: string | undefined
  let launched = embedded.id

  const find = (id: string) => stored.find((update) => update.id === id)

  /** `selectUpdateToLaunch`, and on a crash the one before. */
  function launch(): void {
    const failedNow = new Set<string>()
    for (;;) {
      const launchable = stored.filter(
        (update) =>
          update.runtimeVersion === runtimeVersion &&
          (update.launches > 0 || update.failures < 1) &&
          !failedNow.has(update.id),
      )
      const [newest] = launchable.toSorted((a, b) => b.commitTime - a.commitTime)
      if (!newest) throw new Error('The client has nothing left to start.')
      launched = newest.id
      if (newest.id === embedded.id || starts(newest.id)) {
        newest.launches++
        break
      }
      newest.failures++
      failedNow.add(newest.id)
      fatalError = `Error: ${newest.id} does not start`
    }
    reap()
  }

  /** What runs and the newest that is older stay, and what the binary shipped with. */
  function reap(): void {
    const time = find(launched)?.commitTime ?? 0
    const older = stored.filter(({ commitTime }) => commitTime < time).toSorted((a, b) => b.commitTime - a.commitTime)
    const gone = new Set(older.slice(1).flatMap(({ id }) => (id === embedded.id ? [] : [id])))
    stored = stored.filter(({ id }) => !gone.has(id))
  }

  function headers(): Record<string, string> {
    const failed = stored
      .filter(({ failures }) => failures > 0)
      .toSorted((a, b) => b.commitTime - a.commitTime)
      .slice(0, 5)
      .map(({ id }) => `"${id}"`)
    const error = fatalError
    fatalError = undefined
    return {
      ...serverDefined,
      accept: 'multipart/mixed,application/expo+json,application/json',
      'expo-platform': platform,
      'expo-protocol-version': '1',
      'expo-api-version': '1',
      'expo-updates-environment': 'BARE',
      'expo-json-error': 'true',
      'expo-runtime-version': runtimeVersion,
      'eas-client-id': platform === 'ios' ? deviceId.toUpperCase() : deviceId,
      'expo-current-update-id': launched,
      'expo-embedded-update-id': embedded.id,
      ...(failed.length > 0 && { 'expo-recent-failed-update-ids': failed.join(', ') }),
      ...(error !== undefined && { 'expo-fatal-error': error }),
    }
  }

  /** What it does with an answer. @throws where the client would, or would be ended */
  async function take(answer: PlainAnswer): Promise<'nothing' | 'loaded' | 'not-later' | 'sent-back'> {
    const found = new Map<string, string>()
    for (let at = 0; at < answer.headers.length; at += 2) {
      found.set(answer.headers[at]?.toLowerCase() ?? '', answer.headers[at + 1] ?? '')
    }
    if (found.get('expo-protocol-version') !== '1') throw new Error('Legacy manifests are no longer supported')
    const defined = found.get('expo-server-defined-headers')
    if (defined !== undefined) {
      serverDefined = Object.fromEntries([...parseDictionary(defined)].map(([name, [value]]) => [name, String(value)]))
    }
    if (answer.status === 204) return 'nothing'
    const body = textOf(answer.body)
    // EXUpdatesMultipartStreamReader looks for exactly this at the end.
    const boundary = /boundary=(\S+)$/.exec(found.get('content-type') ?? '')?.[1] ?? ''
    if (!body.endsWith(`\r\n--${boundary}--\r\n`)) throw new Error('iOS finds no end.')
    const parts = await parseMultipartMixedResponseAsync(found.get('content-type') ?? '', Buffer.from(body))
    const directive = parts.find(({ contentDispositionParameters: { name } }) => name === 'directive')
    if (directive) return sendBack(JSON.parse(directive.body))
    const manifest = parts.find(({ contentDispositionParameters: { name } }) => name === 'manifest')
    if (!manifest) throw new Error('No manifest.')
    return load(JSON.parse(manifest.body))
  }

  function sendBack({ type, parameters }: { type: string; parameters: { commitTime: string } }) {
    if (type !== 'rollBackToEmbedded') throw new Error(`Unknown directive ${type}.`)
    const time = readDate(parameters.commitTime)
    if (time <= (find(launched)?.commitTime ?? 0)) return 'not-later'
    const own = find(embedded.id)
    if (own) own.commitTime = time
    return 'sent-back'
  }

  function load(manifest: Record<string, unknown>) {
    const { id, createdAt } = requireAsIos(manifest)
    const commitTime = readDate(createdAt)
    if (commitTime <= (find(launched)?.commitTime ?? 0)) return 'not-later'
    if (!find(id)) {
      stored.push({ id, commitTime, runtimeVersion: String(manifest.runtimeVersion), launches: 0, failures: 0 })
    }
    return 'loaded'
  }

  return { headers, take, launch, launched: () => launched }
}

const UUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/

/** `requiredValue` and `optionalValue` of ExpoUpdatesUpdate.swift, and `isSafeFilename` of UpdatesUtils.kt. */
function requireAsIos(manifest: Record<string, unknown>): { id: string; createdAt: string } {
  const id = requiredText(manifest, 'id')
  if (!UUID.test(id)) throw new Error(`No UUID: ${id}`)
  requiredText(manifest, 'runtimeVersion')
  requireAsset(objectIn(manifest, 'launchAsset'))
  const { assets } = manifest
  if (!Array.isArray(assets)) throw new Error('assets are no array')
  for (const asset of assets as Record<string, unknown>[]) {
    requireAsset(asset)
    requiredText(asset, 'fileExtension')
  }
  const { expoClient = {} } = objectIn(manifest, 'extra')
  for (const name of ['name', 'slug', 'version', 'sdkVersion', 'orientation', 'userInterfaceStyle']) {
    const value = (expoClient as Record<string, unknown>)[name]
    if (value !== undefined && typeof value !== 'string')
      throw new Error(`Value for (key = ${name}) has incorrect type`)
  }
  return { id, createdAt: requiredText(manifest, 'createdAt') }
}

function requireAsset(asset: Record<string, unknown>): void {
  const key = requiredText(asset, 'key')
  const { fileExtension = '' } = asset
  if (typeof fileExtension !== 'string' || (fileExtension !== '' && !fileExtension.startsWith('.'))) {
    throw new Error('fileExtension has incorrect type')
  }
  const fileName = key + fileExtension
  if (/[/\\\0]/.test(fileName) || ['', '.', '..'].includes(fileName)) throw new Error(`unsafe: ${fileName}`)
  if (!/^https?:$/.test(new URL(requiredText(asset, 'url')).protocol)) throw new Error('url should be a valid URL')
  if (Buffer.from(requiredText(asset, 'hash'), 'base64url').length !== 32) throw new Error('no SHA-256')
}

function objectIn(json: Record<string, unknown>, key: string): Record<string, unknown> {
  const value = json[key]
  if (typeof value !== 'object' || value === null) throw new Error(`Value for (key = ${key}) is no object`)
  return value as Record<string, unknown>
}

function requiredText(json: Record<string, unknown>, key: string): string {
  const value = json[key]
  if (typeof value !== 'string') throw new Error(`Value for (key = ${key}) has incorrect type`)
  return value
}

function readDate(text: string): number {
  if (DATE.test(text)) return Date.parse(text)
  throw new Error(`Android takes ${text} for now, and iOS for nothing.`)
}
