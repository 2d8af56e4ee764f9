import { messageOf, within } from '@hotpatch/device-ground'
import { createBundles } from '../bundles/bundles.ts'
import { settleLastSwitch, type Settled } from '../bundles/settle.ts'
import { decideBundle, type BundleDecision } from '../decision/decide-bundle.ts'
import type { BundleManifest } from '../decision/manifest.ts'
import { createDeviceId } from '../ground/device-id.ts'
import type { Host, UpdaterPlugin } from '../ground/ports.ts'
import { DEFAULT_LIMITS, type UpdaterOptions } from '../ground/settings.ts'
import { createManifestFetcher, type AskingDevice } from '../manifest/fetch-manifest.ts'
import { readPublicKeys, verifyChecksum } from '../manifest/verify-checksum.ts'
import { createMemory, type KnownBundle } from '../memory/memory.ts'
import { createReporter } from '../reporting/reporter.ts'
import { createSession } from './session.ts'
import { nothing, type UpdateOutcome, type UpdaterState } from './updater-state.ts'

export interface BundleUpdater {
  /**
   * At every launch, as soon as the app works: tells the plugin so, looks for a bundle, and from then on at every return
   * to the foreground. Never rejects.
   */
  start(): Promise<UpdateOutcome>
  /** Looks for a bundle now; joins a check that is under way. Never rejects. */
  check(): Promise<UpdateOutcome>
  /** The answer "reload now". False when the app did not switch: then the question is open again. */
  reload(): Promise<boolean>
  /** The answer "later": asked again at the next cold start. */
  later(): void
  /** "App update required" was read. */
  dismissNative(): void
  state(): UpdaterState
  /** Calls back at every change of the state. Returns the function that ends it. */
  subscribe(listener: () => void): () => void
  /** Listens to the foreground no more. What is under way ends by itself. */
  stop(): void
}

interface Pending {
  manifest: BundleManifest
  bundle: KnownBundle | undefined
  isDowngrade: boolean
}

const IDLE: UpdaterState = { kind: 'idle' }

/**
 * Web bundle §8: the bundle of the server that the app talks to, over the unmodified plugin in manual mode. One for each
 * app.
 *
 * @example
 * const updater = createBundleUpdater(webHost({ plugin: CapacitorUpdater }), { serverUrl: 'https://example.com' })
 * await updater.start()
 *
 * @throws RangeError when a public key is not the base64 of 32 bytes
 */
export function createBundleUpdater(host: Host, options: UpdaterOptions): BundleUpdater {
  const { plugin, clock } = host
  const { hotPatch, allowInsecure = false } = options
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const publicKeys = readPublicKeys(options.publicKeys ?? [])
  const memory = createMemory({ storage: host.storage, clock, timeoutMs: limits.pluginTimeoutMs })
  const session = createSession(host.session)
  const deviceId = createDeviceId(host, { hotPatch, limits })
  const reporter = createReporter(host, memory, { hotPatch, limits, allowInsecure, deviceId })
  const { fetchManifest } = createManifestFetcher(host, { limits, hotPatch, allowInsecure })
  const bundles = plugin && createBundles({ plugin, clock, memory, limits })

  const listeners = new Set<() => void>()
  let state = IDLE
  let pending: Pending | undefined
  let readying: Promise<Settled> | undefined
  let checking: Promise<UpdateOutcome> | undefined
  let starting: Promise<UpdateOutcome> | undefined
  let isStopped = false
  let forgetForeground: (() => void) | undefined

  function enter(next: UpdaterState): void {
    state = next
    for (const listener of listeners) {
      try {
        listener()
      } catch {
        // A listener's mistake must not stop an update.
      }
    }
  }

  function start(): Promise<UpdateOutcome> {
    starting ??= begin()
    return starting
  }

  async function begin(): Promise<UpdateOutcome> {
    if (isStopped) return check()
    try {
      forgetForeground = host.appState.onForeground(() => void check())
    } catch {
      // Then it looks at launch only.
    }
    return check()
  }

  function check(): Promise<UpdateOutcome> {
    if (isStopped) return Promise.resolve(nothing('stopped', 'the updater was stopped'))
    if (state.kind === 'switching') return Promise.resolve(nothing('switching', 'a switch is under way'))
    checking ??= checkOnce()
      .catch((error: unknown) => nothing('plugin-failed', messageOf(error)))
      .finally(() => {
        checking = undefined
      })
    return checking
  }

  async function checkOnce(): Promise<UpdateOutcome> {
    if (!plugin) return nothing('no-plugin', 'the app runs without @capgo/capacitor-updater')
    // Before the server is asked anything: only a bundle that came this far works.
    await ready(plugin)
    const serverUrl = typeof options.serverUrl === 'function' ? options.serverUrl() : options.serverUrl
    if (!serverUrl) return nothing('no-server', 'there is no server yet')
    try {
      return await askServer(plugin, serverUrl)
    } finally {
      void reporter.flush(serverUrl, memory.current().nativeVersion)
    }
  }

  /** Once in each process; again only where it failed. */
  function ready(plugin: UpdaterPlugin): Promise<Settled> {
    readying ??= becomeReady(plugin).catch((error: unknown) => {
      readying = undefined
      throw error
    })
    return readying
  }

  async function becomeReady(plugin: UpdaterPlugin): Promise<Settled> {
    await within(clock, { ms: limits.pluginTimeoutMs, what: 'notifyAppReady' }, plugin.notifyAppReady())
    await memory.load()
    const settled = await settleLastSwitch({ plugin, clock, memory, limits, note: reporter.note })
    if (settled.applied) session.begin()
    return settled
  }

  async function askServer(plugin: UpdaterPlugin, serverUrl: string): Promise<UpdateOutcome> {
    const asked = plugin.current()
    const { bundle, native } = await within(clock, { ms: limits.pluginTimeoutMs, what: 'current' }, asked)
    const device = await whoAsks({ version: bundle.version, nativeVersion: native })
    const fetched = await fetchManifest(serverUrl, device)
    if (fetched.kind === 'failed') return nothing(fetched.reason, fetched.detail)
    const decision = decideBundle(fetched.json, {
      serverUrl,
      currentVersion: bundle.version,
      nativeVersion: native,
      broken: memory.current().broken,
      allowInsecure,
    })
    // The user may have answered in the meantime.
    if (isSwitching()) return nothing('switching', 'a switch is under way')
    switch (decision.kind) {
      case 'nothing':
        // The server went back to what runs: there is nothing to ask any more.
        if (decision.reason === 'same-version' || decision.reason === 'broken-here') withdraw()
        return decision
      case 'native-too-old':
        return requireNative(decision, native)
      case 'download':
        return offer(decision)
    }
  }

  /** Undefined in directory mode, and where nobody knows who this is: then the answer is the one for everybody. */
  async function whoAsks(runs: { version: string; nativeVersion: string }): Promise<AskingDevice | undefined> {
    if (!hotPatch) return undefined
    return deviceId().then(
      (id) => ({ deviceId: id, ...runs }),
      () => undefined,
    )
  }

  function isSwitching(): boolean {
    return state.kind === 'switching'
  }

  function withdraw(): void {
    pending = undefined
    if (state.kind !== 'idle') enter(IDLE)
  }

  function requireNative({ minNativeVersion }: BundleDecision & { kind: 'native-too-old' }, nativeVersion: string) {
    const isShown = !session.has('native')
    if (state.kind === 'question') withdraw()
    if (isShown) {
      session.note('native')
      enter({ kind: 'native-required', minNativeVersion, nativeVersion })
    }
    return { kind: 'native-too-old', reason: 'native-too-old', minNativeVersion, isShown } as const
  }

  async function offer({ manifest, isDowngrade, reason }: BundleDecision & { kind: 'download' }) {
    const { version } = manifest
    const isOpen = state.kind === 'question'
    if (isOpen && pending?.manifest.checksum === manifest.checksum && pending.manifest.version === version) {
      return nothing('question-open', `${version} waits for an answer`)
    }
    if (!isOpen && session.has('asked')) return nothing('asked-already', 'asked again at the next cold start')
    const verdict = await verifyChecksum(manifest, { publicKeys, verify: host.verifyEd25519 })
    if (!verdict.isTrusted) {
      const { reason, detail } = verdict
      if (reason !== 'signature-unverifiable') reportOnce({ kind: 'failed', version, code: reason, detail })
      return nothing(reason, detail)
    }
    if (!isOpen && state.kind !== 'switching') enter({ kind: 'downloading', version })
    let bundle: KnownBundle
    try {
      bundle = await obtain(manifest)
    } catch (error) {
      if (state.kind === 'downloading') enter(IDLE)
      return nothing('download-failed', messageOf(error))
    }
    // Answered while a newer one was on its way: it comes with the next check.
    if (isSwitching()) return nothing('switching', 'a switch is under way')
    if (isOpen && state.kind !== 'question') return nothing('asked-already', 'asked again at the next cold start')
    session.note('asked')
    pending = { manifest, bundle, isDowngrade }
    enter({ kind: 'question', version, isDowngrade, failure: undefined })
    return { kind: 'asked', reason, version } as const
  }

  async function obtain(manifest: BundleManifest): Promise<KnownBundle> {
    if (!bundles) throw new Error('the app runs without the plugin')
    const { version } = manifest
    try {
      const { bundle, isFresh } = await bundles.obtain(manifest, pending?.bundle?.id)
      if (isFresh) reporter.note({ kind: 'downloaded', version })
      return bundle
    } catch (error) {
      reportOnce({ kind: 'download-failed', version, code: 'download-failed', detail: messageOf(error) })
      throw error
    }
  }

  const reported = new Set<string>()
  /** In each process: the same would be found at every return to the foreground. */
  function reportOnce(event: Parameters<typeof reporter.note>[0]): void {
    const name = `${event.kind} ${event.code} ${event.version}`
    if (reported.has(name)) return
    reported.add(name)
    reporter.note(event)
  }

  async function reload(): Promise<boolean> {
    if (state.kind !== 'question' || !pending || !bundles) return false
    const wanted = pending
    const { version } = wanted.manifest
    const { isDowngrade } = wanted
    enter({ kind: 'switching', version, isDowngrade })
    try {
      // After a failure it is had anew: what could not be switched to is used by nobody again.
      const bundle = wanted.bundle ?? (await obtain(wanted.manifest))
      wanted.bundle = undefined
      await bundles.switchTo(bundle)
      withdraw()
      return true
    } catch (error) {
      const failure = messageOf(error)
      reportOnce({ kind: 'failed', version, code: 'storage-failed', detail: failure })
      enter({ kind: 'question', version, isDowngrade, failure })
      return false
    }
  }

  return {
    start,
    check,
    reload,
    later: () => {
      if (state.kind === 'question') withdraw()
    },
    dismissNative: () => {
      if (state.kind === 'native-required') enter(IDLE)
    },
    state: () => state,
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {
      isStopped = true
      forgetForeground?.()
    },
  }
}
