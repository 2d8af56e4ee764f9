import { createHash } from 'node:crypto'
import { parseMultipartMixedResponseAsync } from '@expo/multipart-body-parser'
import { parseDictionary, serializeDictionary } from 'structured-headers'

/** What a client of Expo keeps of an update. */
interface StoredUpdate {
  id: string
  commitTime: number
  runtimeVersion: string
  /** What manifest filters look at. */
  metadata: Readonly<Record<string, unknown>>
  /** File names. */
  assets: readonly string[]
  launches: number
  failures: number
}

/** What a server before this one left on the device, under the same address. */
interface LeftBehind {
  updates: readonly Pick<StoredUpdate, 'id' | 'commitTime' | 'metadata'>[]
  manifestFilters: Readonly<Record<string, string>>
  serverDefined: Readonly<Record<string, string>>
}

interface SimulatedOptions {
  platform: 'android' | 'ios'
  deviceId: string
  runtimeVersion: string
  /** The build's `requestHeaders`. */
  requestHeaders?: Readonly<Record<string, string>>
  /** What `Updates.setExtraParamAsync` was given. */
  extraParams?: Readonly<Record<string, string>>
  embedded: { id: string; builtAt: number }
  left?: LeftBehind
  /** Whether what the id names comes up. */
  starts(updateId: string): boolean
  /** Gets what it does not have yet; without it, no file is fetched. */
  fetchAsset?(url: string, headers: Readonly<Record<string, string>>): Promise<Uint8Array>
}

/** As it came: names and values of headers in turn. */
interface ReceivedAnswer {
  status: number
  headers: readonly string[]
  body: string
}

type Filters = Readonly<Record<string, unknown>>

/** As Expo's own Kotlin has it; undefined: it cannot be read, and iOS may end the app over it. */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/**
 * The rules of expo-updates 57 by which a client chooses: `LoaderSelectionPolicyFilterAware`,
 * `LauncherSelectionPolicyFilterAware`, `ReaperSelectionPolicyFilterAware`, `UpdateDao` and `FileDownloader`, written
 * again for tests, over parsers that are not ours.
 */
export function createSimulatedExpoClient(options: SimulatedOptions) {
  const { platform, deviceId, runtimeVersion, requestHeaders = {}, extraParams, embedded, left, starts } = options
  const { fetchAsset } = options
  const fresh = { runtimeVersion, metadata: {}, assets: [], launches: 0, failures: 0 }
  let stored: StoredUpdate[] = [
    { ...fresh, id: embedded.id, commitTime: embedded.builtAt },
    ...(left?.updates ?? []).map((update) => ({ ...fresh, ...update, launches: 1 })),
  ]
  let serverDefined: Record<string, string> = { ...left?.serverDefined }
  let manifestFilters: Filters | null = left?.manifestFilters ?? null
  const kept = new Set<string>()
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
          matchesFilters(update, manifestFilters) &&
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
    const used = new Set(stored.flatMap(({ assets }) => assets))
    for (const name of kept) if (!used.has(name)) kept.delete(name)
  }

  /** What it tells with every request, of an asset too. */
  function ownHeaders(): Record<string, string> {
    return {
      'expo-platform': platform,
      'expo-protocol-version': '1',
      'expo-api-version': '1',
      'expo-updates-environment': 'BARE',
      'expo-runtime-version': runtimeVersion,
      'eas-client-id': platform === 'ios' ? deviceId.toUpperCase() : deviceId,
      'expo-current-update-id': launched,
      'expo-embedded-update-id': embedded.id,
      ...requestHeaders,
    }
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
      'expo-json-error': 'true',
      ...(extraParams && { 'expo-extra-params': serializeDictionary(new Map(Object.entries(extraParams))) }),
      ...(failed.length > 0 && { 'expo-recent-failed-update-ids': failed.join(', ') }),
      ...(error !== undefined && { 'expo-fatal-error': error }),
      ...ownHeaders(),
    }
  }

  /** What it does with an answer. @throws where the client would, or would be ended */
  async function take(answer: ReceivedAnswer): Promise<'nothing' | 'loaded' | 'not-later' | 'sent-back'> {
    const found = new Map<string, string>()
    for (let at = 0; at < answer.headers.length; at += 2) {
      found.set(answer.headers[at]?.toLowerCase() ?? '', answer.headers[at + 1] ?? '')
    }
    if (answer.status < 200 || answer.status > 299) throw new Error(`Answered ${answer.status}: ${answer.body}`)
    if (found.get('expo-protocol-version') !== '1') throw new Error('Legacy manifests are no longer supported')
    const defined = dictionaryOf(found.get('expo-server-defined-headers'))
    if (defined) {
      serverDefined = Object.fromEntries(Object.entries(defined).map(([name, value]) => [name, String(value)]))
    }
    // Those that were stored choose what is started, and those of the answer what is loaded.
    const filters = dictionaryOf(found.get('expo-manifest-filters'))
    if (filters) manifestFilters = filters
    if (answer.status === 204) return 'nothing'
    const { body } = answer
    // EXUpdatesMultipartStreamReader looks for exactly this at the end.
    const boundary = /boundary=(\S+)$/.exec(found.get('content-type') ?? '')?.[1] ?? ''
    if (!body.endsWith(`\r\n--${boundary}--\r\n`)) throw new Error('iOS finds no end.')
    const parts = await parseMultipartMixedResponseAsync(found.get('content-type') ?? '', Buffer.from(body))
    const directive = parts.find(({ contentDispositionParameters: { name } }) => name === 'directive')
    if (directive) return sendBack(JSON.parse(directive.body), manifestFilters)
    const manifest = parts.find(({ contentDispositionParameters: { name } }) => name === 'manifest')
    if (!manifest) throw new Error('No manifest.')
    return load(JSON.parse(manifest.body), filters)
  }

  /** `shouldLoadNewUpdate`, and for a directive the same. */
  function isWanted(commitTime: number, filters: Filters | null): boolean {
    const running = find(launched)
    return !running || !matchesFilters(running, filters) || commitTime > running.commitTime
  }

  function sendBack(
    { type, parameters }: { type: string; parameters: { commitTime: string } },
    filters: Filters | null,
  ) {
    if (type !== 'rollBackToEmbedded') throw new Error(`Unknown directive ${type}.`)
    const time = readDate(parameters.commitTime)
    if (!isWanted(time, filters)) return 'not-later'
    const own = find(embedded.id)
    if (own) own.commitTime = time
    return 'sent-back'
  }

  async function load(manifest: Record<string, unknown>, filters: Filters | null) {
    const { id, createdAt, assets } = requireAsIos(manifest)
    const commitTime = readDate(createdAt)
    const metadata = objectIn(manifest, 'metadata')
    if (!matchesFilters({ metadata }, filters)) throw new Error('Manifest filters do not match manifest content')
    if (!isWanted(commitTime, filters)) return 'not-later'
    for (const asset of assets) await fetchOnce(asset, id)
    if (!find(id)) {
      const names = assets.map(({ fileName }) => fileName)
      const { runtimeVersion: own } = manifest
      stored.push({ id, commitTime, runtimeVersion: String(own), metadata, assets: names, launches: 0, failures: 0 })
    }
    return 'loaded'
  }

  async function fetchOnce({ fileName, url, hash }: ReadAsset, updateId: string): Promise<void> {
    if (!fetchAsset || kept.has(fileName)) return
    const headers = { accept: '*/*', ...ownHeaders(), 'expo-requested-update-id': updateId }
    const found = createHash('sha256')
      .update(await fetchAsset(url, headers))
      .digest('base64url')
    if (found !== hash) throw new Error(`Expected ${fileName} with the hash ${hash}, found ${found}`)
    kept.add(fileName)
  }

  /** An exception in what had come up: told with the next check. */
  function crash(message: string): void {
    fatalError = message
  }

  return { headers, take, launch, crash, launched: () => launched }
}

function dictionaryOf(header: string | undefined): Filters | null {
  if (header === undefined) return null
  return Object.fromEntries([...parseDictionary(header)].map(([name, [value]]) => [name, value]))
}

/** `SelectionPolicies.matchesFilters`: what an update says nothing of, it passes. */
function matchesFilters({ metadata }: Pick<StoredUpdate, 'metadata'>, filters: Filters | null): boolean {
  const told = new Map(Object.entries(metadata).map(([key, value]) => [key.toLowerCase(), value]))
  return Object.entries(filters ?? {}).every(([key, value]) => !told.has(key) || told.get(key) === value)
}

interface ReadAsset {
  fileName: string
  url: string
  hash: string
}

const UUID = /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/

/** `requiredValue` and `optionalValue` of ExpoUpdatesUpdate.swift, and `isSafeFilename` of UpdatesUtils.kt. */
function requireAsIos(manifest: Record<string, unknown>): { id: string; createdAt: string; assets: ReadAsset[] } {
  const id = requiredText(manifest, 'id')
  if (!UUID.test(id)) throw new Error(`No UUID: ${id}`)
  requiredText(manifest, 'runtimeVersion')
  const { assets } = manifest
  if (!Array.isArray(assets)) throw new Error('assets are no array')
  for (const asset of assets as Record<string, unknown>[]) requiredText(asset, 'fileExtension')
  const read = [objectIn(manifest, 'launchAsset'), ...(assets as Record<string, unknown>[])].map(requireAsset)
  const { expoClient = {} } = objectIn(manifest, 'extra')
  for (const name of ['name', 'slug', 'version', 'sdkVersion', 'orientation', 'userInterfaceStyle']) {
    const value = (expoClient as Record<string, unknown>)[name]
    if (value !== undefined && typeof value !== 'string')
      throw new Error(`Value for (key = ${name}) has incorrect type`)
  }
  return { id, createdAt: requiredText(manifest, 'createdAt'), assets: read }
}

function requireAsset(asset: Record<string, unknown>): ReadAsset {
  const key = requiredText(asset, 'key')
  const { fileExtension = '' } = asset
  if (typeof fileExtension !== 'string' || (fileExtension !== '' && !fileExtension.startsWith('.'))) {
    throw new Error('fileExtension has incorrect type')
  }
  const fileName = key + fileExtension
  if (/[/\\\0]/.test(fileName) || ['', '.', '..'].includes(fileName)) throw new Error(`unsafe: ${fileName}`)
  const url = requiredText(asset, 'url')
  const hash = requiredText(asset, 'hash')
  if (!/^https?:$/.test(new URL(url).protocol)) throw new Error('url should be a valid URL')
  if (Buffer.from(hash, 'base64url').length !== 32) throw new Error('no SHA-256')
  return { fileName, url, hash }
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
