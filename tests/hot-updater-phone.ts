import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompressSync } from 'node:zlib'
import { loadHotUpdaterBsdiff } from '@hotpatch/delta/testing'
import { unzipSync } from 'fflate'

const theirs = await loadHotUpdaterBsdiff()

/** Pinned: what is published later is another client. */
const CLIENT = '@hot-updater/react-native@0.36.3'

const exec = promisify(execFile)

/** It cannot be had here, and that is no fault of ours. */
export class MissingClient extends Error {}

/**
 * The JavaScript of `@hot-updater/react-native` as it is published, in a folder of its own; of React Native there is
 * what it asks for, and no more.
 * @throws MissingClient
 */
export async function installClient(folder: string): Promise<string> {
  try {
    await exec('npm', ['pack', CLIENT, '--silent', '--pack-destination', folder], { cwd: folder, timeout: 60_000 })
    await exec('tar', ['xzf', 'hot-updater-react-native-0.36.3.tgz'], { cwd: folder })
  } catch (cause) {
    throw new MissingClient(`${CLIENT} cannot be had here.`, { cause })
  }
  const modules = join(folder, 'package/node_modules')
  const core = createRequire(import.meta.url).resolve('@hot-updater/core/package.json')
  await cp(join(core, '..'), join(modules, '@hot-updater/core'), { recursive: true })
  await addModule(modules, 'react-native', 'module.exports = globalThis.reactNativeOfTest')
  await addModule(
    modules,
    'use-sync-external-store/shim/with-selector',
    'exports.useSyncExternalStoreWithSelector = {}',
  )
  return join(folder, 'package/lib/commonjs')
}

async function addModule(modules: string, name: string, code: string): Promise<void> {
  await mkdir(join(modules, name), { recursive: true })
  await writeFile(join(modules, name, 'index.js'), code)
}

interface UpdateParams {
  bundleId: string
  channel?: string
  fileUrl: string | null
  fileHash: string | null
  manifestUrl: string | null
  manifestFileHash: string | null
  changedAssets: Record<string, ChangedAsset> | null
}

interface ChangedAsset {
  fileHash: string
  file?: { url: string; compression?: 'br' }
  patch?: { algorithm: string; baseBundleId: string; baseFileHash: string; patchFileHash: string; patchUrl: string }
}

type Files = Record<string, Buffer>

interface Answer {
  id: string
  status: string
  updateBundle(): Promise<boolean>
}

interface Client {
  checkForUpdate(options: object): Promise<Answer | null>
}

export interface PhoneOptions {
  platform?: 'android' | 'ios'
  appVersion?: string
  minBundleId: string
  cohort: string
}

/**
 * A phone with the client's own JavaScript. Its native half is this: it fetches what it is told, holds it against the
 * digests, and goes file by file where it has a manifest of what runs, as `BundleFileStorageService.kt` does. Patches are
 * applied by hot-updater's own code, compiled to WebAssembly.
 */
export function createPhone(client: string, { platform = 'android', appVersion = '1.0.0', ...own }: PhoneOptions) {
  const stored = new Map<string, Files>()
  let staged: string | null = null
  let launched: string | null = null
  let channel = 'production'
  const fetched: { url: string; bytes: number }[] = []

  async function load(url: string, sha256: string, compression?: 'br'): Promise<Buffer> {
    const answer = await fetch(url)
    if (answer.status !== 200) throw new Error(`${url}: ${answer.status}`)
    const bytes = Buffer.from(await answer.arrayBuffer())
    fetched.push({ url, bytes: bytes.length })
    const unpacked = compression ? brotliDecompressSync(bytes) : bytes
    if (digestOf(unpacked) !== sha256) throw new Error(`${url}: FileHashMismatch`)
    return unpacked
  }

  /** What is wrong with a patch, nobody is told: the whole file is taken. */
  async function patched({ fileHash, patch }: ChangedAsset, before: Buffer | undefined): Promise<Buffer | undefined> {
    if (patch?.algorithm !== 'bsdiff' || patch.baseBundleId !== launched) return undefined
    if (!before || digestOf(before) !== patch.baseFileHash) return undefined
    try {
      const made = theirs.apply(before, await load(patch.patchUrl, patch.patchFileHash))
      return digestOf(made) === fileHash ? made : undefined
    } catch {
      return undefined
    }
  }

  async function install(params: UpdateParams): Promise<Files> {
    const { fileUrl, fileHash, manifestUrl, manifestFileHash, changedAssets } = params
    const current = launched === null ? undefined : stored.get(launched)
    if (current?.['manifest.json'] && manifestUrl && manifestFileHash && changedAssets) {
      const text = await load(manifestUrl, manifestFileHash)
      const { bundleId, assets } = readManifest(text)
      if (bundleId !== params.bundleId) throw new Error('invalidBundle')
      const files: Files = { 'manifest.json': text }
      const before = readManifest(current['manifest.json']).assets
      for (const [path, { fileHash: sha256 }] of Object.entries(assets)) {
        const same = before[path]?.fileHash === sha256 ? current[path] : undefined
        const changed = changedAssets[path]
        const made = same ?? (changed && (await patched(changed, current[path])))
        if (!made && !changed?.file) throw new Error(`Changed asset missing from update response: ${path}`)
        files[path] = made ?? (await load(changed?.file?.url ?? '', sha256, changed?.file?.compression))
      }
      return files
    }
    const zip = await load(fileUrl ?? '', fileHash ?? '')
    return Object.fromEntries(Object.entries(unzipSync(zip)).map(([path, bytes]) => [path, Buffer.from(bytes)]))
  }

  const native = {
    getConstants: () => ({
      MIN_BUNDLE_ID: own.minBundleId,
      APP_VERSION: appVersion,
      CHANNEL: channel,
      DEFAULT_CHANNEL: 'production',
      FINGERPRINT_HASH: null,
    }),
    getBundleId: () => launched,
    getCohort: () => own.cohort,
    async updateBundle(params: UpdateParams): Promise<boolean> {
      if (params.fileUrl === null) staged = null
      else {
        stored.set(params.bundleId, await install(params))
        staged = params.bundleId
      }
      if (params.channel) channel = params.channel
      return true
    },
    addListener: () => undefined,
    removeListeners: () => undefined,
  }

  /** The next process, which has the client loaded anew. */
  function restart(): void {
    launched = staged
  }

  /** `HotUpdater.checkForUpdate` with the resolver that a `baseURL` makes, and what it offers taken. */
  async function update(baseURL: string, options: object = {}): Promise<string> {
    const errors: Error[] = []
    const { checkForUpdate, createDefaultResolver } = loadClient()
    const answer = await checkForUpdate({
      updateStrategy: 'appVersion',
      resolver: createDefaultResolver(baseURL),
      onError: (error: Error) => errors.push(error),
      ...options,
    })
    if (errors[0]) return `error: ${errors[0].message}`
    if (!answer) return 'nothing'
    await answer.updateBundle()
    return `${answer.status} ${answer.id}`
  }

  function loadClient() {
    Object.assign(globalThis, {
      __DEV__: false,
      reactNativeOfTest: {
        Platform: { OS: platform },
        TurboModuleRegistry: { getEnforcing: () => native },
        NativeEventEmitter: class {
          addListener = () => ({ remove: () => undefined })
        },
      },
    })
    const require = createRequire(join(client, 'index.js'))
    for (const path of Object.keys(require.cache)) if (path.includes('/package/')) delete require.cache[path]
    const { checkForUpdate } = require(join(client, 'checkForUpdate.js')) as Client
    const { createDefaultResolver } = require(join(client, 'DefaultResolver.js')) as {
      createDefaultResolver(baseURL: string): object
    }
    return { checkForUpdate, createDefaultResolver }
  }

  return {
    update,
    restart,
    runs: () => launched ?? own.minBundleId,
    files: () => (launched === null ? {} : (stored.get(launched) ?? {})),
    fetched: () => fetched.splice(0),
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function readManifest(text: Buffer): { bundleId: string; assets: Record<string, { fileHash: string }> } {
  return JSON.parse(text.toString('utf8')) as ReturnType<typeof readManifest>
}
