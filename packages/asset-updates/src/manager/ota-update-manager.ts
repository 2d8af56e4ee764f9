import {
  createEngineFor,
  filesInstaller,
  type Engine,
  type EngineConfig,
  type Launch,
  type Ports,
  type UpdateOutcome,
} from '@hotpatch/client'
import { assetUpdatesContract } from '../contract/asset-updates-contract.ts'
import { startBackgroundChecks, type CheckEnd } from './background-checks.ts'
import type { AvailableUpdate, DownloadProgress, Failure, ManagerState } from './manager-state.ts'

export interface OTAUpdateOptions {
  /** Such as "https://updates.example.com". */
  serverUrl: string
  /** The project: the app's id or slug. */
  projectId: string
  /** production, staging, development, preview, or the app's own (default production). */
  channel?: string
  /** What the app runs updates on: only updates for it are offered. Told with every check. */
  runtimeVersion?: string
  /** Once for every update that is found, until there is another one. */
  onUpdateAvailable?: (update: AvailableUpdate) => void
  onDownloadProgress?: (progress: DownloadProgress) => void
  /** It runs from the next start on. */
  onUpdateReady?: (update: AvailableUpdate) => void
  onError?: (failure: Failure) => void
  /** A stable id of this installation, 1 to 200 characters. */
  deviceId: string
  /** Where the project is not open. */
  appKey?: string
  /** Base64 of the publisher's raw 32-byte Ed25519 keys. Without any, only hashes are checked. */
  publicKeys?: readonly string[]
  cohorts?: readonly string[]
  /** For development: "loopback" allows http: to this machine, `true` to anywhere. */
  allowInsecure?: boolean | 'loopback'
  /** Between two checks in the background (default 15 minutes). */
  checkIntervalMs?: number
  /** Whether what is found in the background is fetched at once, without a question (default false). */
  downloadsInBackground?: boolean
  limits?: EngineConfig['limits']
}

export type UpdateManagerPorts = Omit<Ports, 'host'> & { host: Omit<Ports['host'], 'runtimeVersion'> }

const INTERVAL_MS = 15 * 60_000
const RETRY_MS = 30_000

/**
 * Updates by assets, over the device engine: everything that it promises of verification, power cuts, probation and
 * going back holds. One for each app and process; nothing of it rejects after `start`.
 *
 * @example
 * const manager = new OTAUpdateManager(ports, { serverUrl, projectId, channel, runtimeVersion, deviceId, publicKeys })
 * const launched = await manager.start()
 * // … run launched.directory, or what the app shipped with; once it works, at every start:
 * await manager.confirm()
 * const result = await manager.checkForUpdate()
 * if (result.kind === 'available') await manager.downloadAndInstallUpdate(result)
 * await manager.applyUpdate()
 */
export class OTAUpdateManager implements Disposable {
  readonly #engine: Engine
  readonly #ports: UpdateManagerPorts
  readonly #options: OTAUpdateOptions
  readonly #listeners = new Set<() => void>()
  #state: ManagerState = { kind: 'idle' }
  #working: Promise<ManagerState> | undefined
  #stopChecks: (() => void) | undefined
  /** What runs and has not proved itself, and what has in this process. */
  #unproven: string | null = null
  #applied: string | null = null
  /** Of these the app was told. */
  #announced: string | null | undefined
  /** What the user said "later" to. */
  #postponed: string | null | undefined

  /** @throws RangeError when a public key is none */
  constructor(ports: UpdateManagerPorts, options: OTAUpdateOptions) {
    this.#ports = ports
    this.#options = options
    const { runtimeVersion, projectId: appId, channel = 'production', serverUrl, deviceId } = options
    const { appKey, publicKeys, cohorts, allowInsecure, limits } = options
    this.#engine = createEngineFor(
      { ...ports, host: { ...ports.host, ...(runtimeVersion !== undefined && { runtimeVersion }) } },
      {
        serverUrl,
        appId,
        channel,
        deviceId,
        ...(appKey !== undefined && { appKey }),
        ...(publicKeys && { publicKeys }),
        ...(cohorts && { cohorts }),
        ...(allowInsecure !== undefined && { allowInsecure }),
        ...(limits && { limits }),
      },
      { contract: assetUpdatesContract, installers: [filesInstaller] },
    )
    this.#engine.subscribe((event) => {
      if (event.type === 'progress') this.#progress(event.receivedBytes, event.sizeBytes)
    })
  }

  /** Chooses what to run, before any of the app's own code; needs no network and never rejects. */
  async start(options?: { inBackground?: boolean }): Promise<Launch> {
    const launched = await this.#engine.start(options)
    const isNew = this.#engine.status().standing === 'probation'
    if (isNew && launched.kind === 'release') this.#unproven = launched.version
    return launched
  }

  /** "App ready", at every start: what runs proved itself. False when that could not be stored. */
  async confirm(): Promise<boolean> {
    const isConfirmed = await this.#engine.confirm()
    if (isConfirmed && this.#unproven !== null) {
      this.#applied = this.#unproven
      this.#unproven = null
      this.#become(this.#state)
    }
    return isConfirmed
  }

  /** The version of the update that proved itself in this very process: for a word to whoever uses the app. */
  appliedUpdate(): string | null {
    return this.#applied
  }

  /** The app knows that what runs does not work: the next start rolls back what did not prove itself yet. */
  crashed(): Promise<void> {
    return this.#engine.crashed()
  }

  /**
   * Goes back from what runs, to what ran before or to what the app shipped with, from the next start on. It is never
   * tried again here, and that is reported. False when the app runs what it shipped with.
   */
  rollBack(): Promise<boolean> {
    return this.#engine.rollBack()
  }

  state(): ManagerState {
    return this.#state
  }

  /** Calls back at every change, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Asks the server. While something is fetched, or is ready, that is the answer. */
  checkForUpdate(): Promise<ManagerState> {
    return this.#run(async () => {
      this.#become({ kind: 'checking' })
      const state = this.#take(await this.#engine.check())
      void this.#engine.flushReports()
      return state
    })
  }

  /** Fetches what a check found, as far as it is not on the device, verifies all of it, and stages it. */
  downloadAndInstallUpdate(result: ManagerState = this.#state): Promise<ManagerState> {
    if (result.kind !== 'available' && result.kind !== 'failed') return this.#working ?? Promise.resolve(this.#state)
    const { update } = result
    return this.#run(async () => {
      this.#become({ kind: 'downloading', update, receivedBytes: 0, totalBytes: 0 })
      const state = this.#take(await this.#engine.download(), update)
      void this.#engine.flushReports()
      return state
    })
  }

  /**
   * What is ready takes effect when the app is started again. Restarts it where the host can; false when nothing is
   * ready, or the host cannot.
   */
  async applyUpdate(): Promise<boolean> {
    const { restart } = this.#ports.host
    if (this.#engine.status().staged === null || !restart) return false
    try {
      await restart()
      return true
    } catch {
      // It is staged: the next start, whenever that is, takes it.
      return false
    }
  }

  /** The user does not want it now. Of a mandatory update there is no later. */
  later(): void {
    const state = this.#state
    if (!('update' in state) || state.update.isMandatory || state.kind === 'downloading') return
    const { update } = state
    this.#postponed = update.id
    this.#become({ kind: state.kind === 'ready' ? 'ready' : 'available', update, isPostponed: true })
  }

  /** Sends what is still to be told to the server. Checks and downloads do it as well. */
  flushReports(): Promise<void> {
    return this.#engine.flushReports()
  }

  /** Checks now and then, further apart after failures, until `stopBackgroundChecks`. */
  startBackgroundChecks(): void {
    const { checkIntervalMs: intervalMs = INTERVAL_MS } = this.#options
    this.#stopChecks ??= startBackgroundChecks(this.#ports.clock, { intervalMs, retryMs: RETRY_MS }, () =>
      this.#checkInBackground(),
    )
  }

  stopBackgroundChecks(): void {
    this.#stopChecks?.()
    this.#stopChecks = undefined
  }

  [Symbol.dispose](): void {
    this.stopBackgroundChecks()
    this.#listeners.clear()
  }

  async #checkInBackground(): Promise<CheckEnd> {
    let state = await this.checkForUpdate()
    if (state.kind === 'available' && this.#options.downloadsInBackground) {
      state = await this.downloadAndInstallUpdate(state)
    }
    return 'retryAfterMs' in state ? { failed: true, retryAfterMs: state.retryAfterMs } : { failed: false }
  }

  /** One thing at a time: whoever asks for another one meanwhile waits for this. */
  #run(work: () => Promise<ManagerState>): Promise<ManagerState> {
    this.#working ??= work().finally(() => {
      this.#working = undefined
    })
    return this.#working
  }

  #take(outcome: UpdateOutcome, wanted?: AvailableUpdate): ManagerState {
    switch (outcome.kind) {
      case 'up-to-date':
        return this.#become({ kind: 'up-to-date', reason: outcome.reason, nativeUpdate: outcome.nativeUpdate })
      case 'available':
      case 'available-embedded':
        return this.#found(this.#updateOf(outcome))
      case 'staged': {
        const { releaseId: id, version, mandatory: isMandatory } = outcome
        const update = wanted?.id === id ? wanted : { id, version, isMandatory, notes: '', expectedBytes: null }
        const state = this.#become({ kind: 'ready', update, isPostponed: false })
        this.#tell(() => this.#options.onUpdateReady?.(update))
        return state
      }
      case 'failed': {
        const { code, error } = outcome
        const { message, isRetryable, retryAfterMs = null } = error
        const failure = { code, message, isRetryable, retryAfterMs }
        const state = this.#become(
          wanted ? { kind: 'failed', update: wanted, ...failure } : { kind: 'check-failed', ...failure },
        )
        this.#tell(() => this.#options.onError?.(failure))
        return state
      }
    }
  }

  #updateOf(outcome: UpdateOutcome & { kind: 'available' | 'available-embedded' }): AvailableUpdate {
    if (outcome.kind === 'available-embedded') {
      const { nativeVersion: version } = this.#ports.host
      return { id: null, version, isMandatory: outcome.mandatory, notes: '', expectedBytes: 0 }
    }
    const { releaseId: id, version, mandatory: isMandatory, notes, expectedBytes } = outcome
    return { id, version, isMandatory, notes: notes ?? '', expectedBytes }
  }

  #found(update: AvailableUpdate): ManagerState {
    // Staged by an earlier process, and still what the server offers: there is nothing to fetch.
    const { staged } = this.#engine.status()
    const isPostponed = this.#postponed === update.id && !update.isMandatory
    if (staged && staged.releaseId === update.id) return this.#become({ kind: 'ready', update, isPostponed })
    const state = this.#become({ kind: 'available', update, isPostponed })
    if (this.#announced !== update.id) this.#tell(() => this.#options.onUpdateAvailable?.(update))
    this.#announced = update.id
    return state
  }

  #progress(receivedBytes: number, totalBytes: number): void {
    const state = this.#state
    if (state.kind !== 'downloading') return
    this.#become({ ...state, receivedBytes, totalBytes })
    this.#tell(() => this.#options.onDownloadProgress?.({ receivedBytes, totalBytes }))
  }

  #become(next: ManagerState): ManagerState {
    this.#state = next
    for (const listener of this.#listeners) this.#tell(listener)
    return next
  }

  /** The app's mistake in what it is told must not stop an update. */
  #tell(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#ports.clock.after(0, () => {
        throw error
      })
    }
  }
}
