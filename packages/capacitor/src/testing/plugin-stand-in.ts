import { unzipSync } from 'fflate'
import type { ClockPort } from '@hotpatch/device-ground'
import type { BundleInfo, UpdaterPlugin } from '../ground/ports.ts'

/** What the plugin keeps on the phone: its registry, folders and pointers. */
export interface PluginDisk {
  registry: Map<string, BundleInfo>
  folders: Map<string, Map<string, Uint8Array>>
  current: string
  fallback: string
  next: string | null
  lastFailed: BundleInfo | null
  nativeBuild: string
}

export function createPluginDisk(): PluginDisk {
  return {
    registry: new Map(),
    folders: new Map(),
    current: BUILTIN,
    fallback: BUILTIN,
    next: null,
    lastFailed: null,
    nativeBuild: '',
  }
}

export interface StandInConfig {
  /** Android waits at least 30 s for a bundle that has not yet said that it works. */
  platform: 'android' | 'ios'
  appReadyTimeoutMs: number
  autoDeletePrevious: boolean
  autoDeleteFailed: boolean
}

export const DEFAULT_CONFIG: StandInConfig = {
  platform: 'android',
  appReadyTimeoutMs: 10_000,
  autoDeletePrevious: true,
  autoDeleteFailed: true,
}

const BUILTIN = 'builtin'
const ANDROID_PENDING_MS = 30_000

/**
 * Stands in for the native half of @capgo/capacitor-updater 8.51 in manual mode, as its Android code has it: statuses,
 * the timer that goes back, set, next and reload, what list, current and delete say and refuse. It downloads, verifies and
 * unpacks for real. One for each process of the app; what outlives it is on the disk.
 */
export function createPluginStandIn({
  disk,
  clock,
  nativeVersion,
  config: { platform, appReadyTimeoutMs, autoDeletePrevious, autoDeleteFailed },
  fetch,
  newId,
  loadPage,
}: {
  disk: PluginDisk
  clock: ClockPort
  nativeVersion: string
  config: StandInConfig
  fetch: (url: string) => Promise<Response>
  /** 10 letters and digits. */
  newId: () => string
  /** The web view begins anew. */
  loadPage: () => void
}) {
  let cancelCheck: (() => void) | undefined
  let awaited: ((isReady: boolean) => void) | undefined

  function infoOf(id: string): BundleInfo {
    if (id === BUILTIN) {
      return { id, version: nativeVersion, status: 'success', checksum: '', downloaded: '1970-01-01T00:00:00.000Z' }
    }
    // A folder that the registry does not know is "pending" as well.
    return disk.registry.get(id) ?? { id, version: BUILTIN, status: 'pending', checksum: '', downloaded: '' }
  }

  function exists(id: string): boolean {
    const { status } = infoOf(id)
    return (disk.folders.get(id)?.has('index.html') ?? false) && status !== 'deleted' && status !== 'deleting'
  }

  function mark(id: string, status: BundleInfo['status']): void {
    if (id !== BUILTIN) disk.registry.set(id, { ...infoOf(id), status })
  }

  function isRefusedNext(id: string): boolean {
    return disk.next === id && !['deleted', 'error', 'deleting'].includes(infoOf(id).status)
  }

  function remove(id: string, keepsInfo = false): boolean {
    const isUnknown = !disk.registry.has(id) && !disk.folders.has(id)
    if (id === BUILTIN || id === disk.current || isRefusedNext(id) || isUnknown) return false
    disk.folders.delete(id)
    if (keepsInfo) mark(id, 'deleted')
    else disk.registry.delete(id)
    return true
  }

  async function download({ url, version, checksum = '' }: { url: string; version: string; checksum?: string }) {
    const failedBefore = [...disk.folders.keys()].map(infoOf).find((bundle) => bundle.version === version)
    if (failedBefore && ['error', 'deleted', 'deleting'].includes(failedBefore.status)) remove(failedBefore.id)
    const id = newId()
    const downloaded = new Date(clock.now()).toISOString()
    disk.registry.set(id, { id, version, status: 'downloading', checksum: '', downloaded })
    try {
      const response = await fetch(url)
      if (!response.ok) throw new Error(`status ${response.status}`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      const found = await sha256(bytes)
      if (checksum !== found) throw new Error('Checksum failed')
      disk.folders.set(id, flatten(unzipSync(bytes)))
      disk.registry.set(id, { id, version, status: 'pending', checksum: found, downloaded })
      return infoOf(id)
    } catch (cause) {
      disk.registry.set(id, { id, version, status: 'error', checksum: '', downloaded })
      throw new Error(`Failed to download from: ${url}`, { cause })
    }
  }

  /** As long as the app does not say that it is ready, or until the timer of its own. */
  function reloadAndWait(): Promise<boolean> {
    const ready = new Promise<boolean>((resolve) => {
      awaited = resolve
    })
    loadPage()
    checkLater()
    return ready
  }

  function checkLater(): void {
    cancelCheck?.()
    const isProven = infoOf(disk.current).status === 'success'
    const atLeast = platform === 'android' && !isProven ? ANDROID_PENDING_MS : 0
    cancelCheck = clock.after(Math.max(appReadyTimeoutMs, atLeast), checkRevert)
  }

  function checkRevert(): void {
    cancelCheck = undefined
    const failed = infoOf(disk.current)
    if (failed.id === BUILTIN || failed.status === 'success') return
    const waiting = awaited
    awaited = undefined
    disk.lastFailed = failed
    mark(failed.id, 'error')
    const fallback = infoOf(disk.fallback)
    const canFallBack = fallback.id !== failed.id && fallback.status === 'success' && exists(fallback.id)
    disk.current = canFallBack ? fallback.id : BUILTIN
    if (!canFallBack) [disk.fallback, disk.next] = [BUILTIN, null]
    loadPage()
    checkLater()
    if (autoDeleteFailed) remove(failed.id, true)
    waiting?.(false)
  }

  async function set(id: string): Promise<void> {
    if (id === BUILTIN) {
      ;[disk.current, disk.fallback, disk.next] = [BUILTIN, BUILTIN, null]
    } else if (exists(id)) {
      disk.current = id
      mark(id, 'pending')
    } else {
      mark(id, 'error')
      throw new Error(`Update failed, id ${id} does not exist.`)
    }
    if (!(await reloadAndWait())) throw new Error(`Reload failed after setting bundle ${id}`)
  }

  async function reload(): Promise<void> {
    const { next } = disk
    if (next && next !== disk.current && infoOf(next).status !== 'error') {
      if (!exists(next)) throw new Error(`Reload failed after applying pending bundle: ${infoOf(next).version}`)
      disk.current = next
    }
    const isReady = await reloadAndWait()
    disk.next = null
    if (!isReady) throw new Error('Reload failed')
  }

  const plugin: UpdaterPlugin & { next: (o: { id: string }) => Promise<BundleInfo>; reload: () => Promise<void> } = {
    async notifyAppReady() {
      // As it was before: "pending" at the first start of a bundle.
      const bundle = infoOf(disk.current)
      mark(bundle.id, 'success')
      const previous = disk.fallback
      disk.fallback = bundle.id
      if (autoDeletePrevious && previous !== bundle.id) remove(previous)
      awaited?.(true)
      awaited = undefined
      return { bundle }
    },
    async current() {
      return { bundle: infoOf(disk.current), native: nativeVersion }
    },
    async list(options) {
      const ids = options?.raw === true ? disk.registry.keys() : disk.folders.keys()
      return { bundles: [...ids].map(infoOf) }
    },
    download,
    set: ({ id }) => set(id),
    async next({ id }) {
      if (id !== BUILTIN && !exists(id)) throw new Error(`Set next id failed. Bundle ${id} does not exist.`)
      disk.next = id
      mark(id, 'pending')
      return infoOf(id)
    },
    reload,
    async delete({ id }) {
      if (!remove(id)) throw new Error(`Delete failed, id ${id} does not exist or it cannot be deleted`)
    },
    async getFailedUpdate() {
      const failed = disk.lastFailed
      disk.lastFailed = null
      return failed && { bundle: failed }
    },
    async getDeviceId() {
      return { deviceId: '5f0c2f7e-0000-4000-8000-000000000001' }
    },
  }

  return {
    plugin,
    /** The process begins. */
    launch() {
      const isNewShell = disk.nativeBuild !== '' && disk.nativeBuild !== nativeVersion
      disk.nativeBuild = nativeVersion
      if (isNewShell || (disk.current !== BUILTIN && !exists(disk.current))) {
        ;[disk.current, disk.fallback, disk.next] = [BUILTIN, BUILTIN, null]
        if (isNewShell) for (const id of disk.registry.keys()) remove(id)
      }
      loadPage()
      checkLater()
    },
    foreground: checkLater,
    /** What is next is switched to when the app leaves the foreground. */
    async background() {
      if (disk.next && disk.next !== disk.current) await reload()
    },
    /** The process ends. */
    kill() {
      cancelCheck?.()
      cancelCheck = undefined
    },
  }
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A single folder at the top is taken away. */
function flatten(files: Record<string, Uint8Array>): Map<string, Uint8Array> {
  const paths = Object.keys(files).filter((path) => !path.endsWith('/'))
  if (paths.length === 0) throw new Error('nothing in it')
  if (paths.some((path) => path.includes('\\') || path.split('/').includes('..'))) throw new Error('a path outside')
  const tops = new Set(paths.map((path) => path.split('/')[0]))
  const [top = ''] = tops
  const cut = tops.size === 1 && !paths.includes(top) ? top.length + 1 : 0
  return new Map(paths.map((path) => [path.slice(cut), files[path] ?? new Uint8Array()]))
}
