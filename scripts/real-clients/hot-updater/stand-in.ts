import { createHash } from 'node:crypto'
import { brotliDecompressSync } from 'node:zlib'
import { loadHotUpdaterBsdiff } from '../../../packages/delta/src/testing/index.ts'
import { unzip } from '../../../packages/server/src/testing.ts'
import type { ChangedAsset, Fetched, NativeHalf, UpdateParams } from './native-half.ts'

const theirs = await loadHotUpdaterBsdiff()

type Files = Record<string, Buffer>

export interface Binary {
  appVersion?: string
  minBundleId: string
  cohort: string
}

/**
 * In place of the native half where there is no Java: it fetches what it is told, holds it against the digests, goes file
 * by file where it has a manifest of what runs, and takes back what crashed before something was shown. Patches are
 * applied by hot-updater's own code, compiled to WebAssembly.
 */
export function createStandIn({ appVersion = '1.0.0', ...own }: Binary): NativeHalf {
  const stored = new Map<string, Files>()
  let stable: string | null = null
  let staged: string | null = null
  let launched: string | null = null
  let isPending = false
  let report: object = { status: 'STABLE' }
  const crashed: string[] = []
  let channel = 'production'
  const fetched: Fetched[] = []
  let onRestart = () => undefined as void

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
    return Object.fromEntries(await unzip(await load(fileUrl ?? '', fileHash ?? '')))
  }

  const module = {
    getConstants: () => ({
      MIN_BUNDLE_ID: own.minBundleId,
      APP_VERSION: appVersion,
      CHANNEL: channel,
      DEFAULT_CHANNEL: 'production',
      FINGERPRINT_HASH: null,
    }),
    getBundleId: () => launched,
    getCohort: () => own.cohort,
    notifyAppReady: () => report,
    getCrashHistory: () => [...crashed],
    async updateBundle(params: UpdateParams): Promise<boolean> {
      if (crashed.includes(params.bundleId)) throw new Error(`${params.bundleId} is in crashed history`)
      if (params.fileUrl === null) [stable, staged, isPending] = [null, null, false]
      else {
        stored.set(params.bundleId, await install(params))
        ;[stable, staged, isPending] = [launched, params.bundleId, true]
      }
      if (params.channel) channel = params.channel
      return true
    },
    reloadProcess: async () => onRestart(),
    addListener: () => undefined,
    removeListeners: () => undefined,
  }

  return {
    async start(restart) {
      onRestart = restart
      launched = staged
      return module
    },
    bundle: () =>
      (launched === null ? undefined : stored.get(launched)?.['index.android.bundle']?.toString()) ?? 'built in',
    async appear() {
      isPending = false
    },
    async crash() {
      if (!isPending || staged === null) throw new Error('the app has ended')
      crashed.push(staged)
      report = { status: 'RECOVERED', crashedBundleId: staged }
      ;[staged, isPending] = [stable, false]
      onRestart()
    },
    fetched: () => fetched.splice(0),
  }
}

function digestOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function readManifest(text: Buffer): { bundleId: string; assets: Record<string, { fileHash: string }> } {
  return JSON.parse(text.toString('utf8')) as ReturnType<typeof readManifest>
}
