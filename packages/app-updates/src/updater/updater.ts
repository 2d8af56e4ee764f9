import { createStop, messageOf } from '@hotpatch/device-ground'
import { ask } from '../check/ask.ts'
import type { AppUpdate } from '../contract/read-answer.ts'
import { isAppVersion, isNewer } from '../contract/versions.ts'
import { download, StoppedError } from '../download/download.ts'
import { readPartNote } from '../download/part-note.ts'
import { isVerified } from '../download/verify.ts'
import { AppUpdateError, asAppUpdateError } from '../ground/app-update-error.ts'
import type { Host } from '../ground/ports.ts'
import { DEFAULT_LIMITS, type AppUpdaterOptions } from '../ground/settings.ts'
import type { Failure, UpdaterState } from './updater-state.ts'

/** Nothing of it rejects: what happened is the state that it answers with. What does not fit the state does nothing. */
export interface AppUpdater {
  state(): UpdaterState
  /** Calls back at every change, until the returned function is called. */
  subscribe(listener: () => void): () => void
  check(): Promise<UpdaterState>
  /** Of what is available, or failed: until it is verified and ready. */
  download(): Promise<UpdaterState>
  /** Of what is ready, or was handed over: to the host's installer. */
  install(): Promise<UpdaterState>
  /** The user does not want it now. Of a mandatory update there is no later. */
  later(): void
  /** Ends a check or a download; what came of a file stays, and is gone on with. */
  stop(): void
}

/** @throws TypeError when `installedVersion` is none */
export function createAppUpdater(host: Host, options: AppUpdaterOptions): AppUpdater {
  if (!isAppVersion(options.installedVersion)) {
    throw new TypeError(
      `installedVersion: expected MAJOR.MINOR.PATCH+BUILD, such as 1.0.0+1, found ${options.installedVersion}`,
    )
  }
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const listeners = new Set<() => void>()
  let state: UpdaterState = { kind: 'idle' }
  let stop = createStop()
  let running: Promise<UpdaterState> | undefined
  /** What the user said "later" to. */
  let postponed: string | undefined

  function become(next: UpdaterState): UpdaterState {
    state = next
    for (const listener of listeners) listener()
    return next
  }

  /** One thing at a time: whoever asks for another one meanwhile waits for this. */
  function run(work: () => Promise<UpdaterState>): Promise<UpdaterState> {
    if (running) return running
    stop = createStop()
    running = work().finally(() => {
      running = undefined
    })
    return running
  }

  function check(): Promise<UpdaterState> {
    return run(async () => {
      const before = state
      become({ kind: 'checking' })
      const stopped = stop
      try {
        await discardInstalled()
        const outcome = await ask(host, options, { limits, stopped })
        if (stopped.isStopped()) return become(before)
        return become(outcome.kind === 'none' ? outcome : available(outcome.update))
      } catch (cause) {
        return become(stopped.isStopped() ? before : { kind: 'check-failed', ...failureOf(cause) })
      }
    })
  }

  function available(update: AppUpdate): UpdaterState {
    return { kind: 'available', update, isPostponed: postponed === update.version && !update.isMandatory }
  }

  /** What was handed over and runs now needs no room any more. */
  async function discardInstalled(): Promise<void> {
    const note = await readPartNote(host.part)
    if (note && !isNewer(note, { version: options.installedVersion })) await host.part.discard()
  }

  async function fetchUpdate(update: AppUpdate): Promise<UpdaterState> {
    const stopped = stop
    const onProgress = (receivedBytes: number) => {
      become({ kind: 'downloading', update, receivedBytes })
    }
    onProgress(0)
    const { allowInsecure = false } = options
    try {
      await download(update, { host, limits, allowInsecure, stopped, onProgress })
      return become({ kind: 'ready', update, isPostponed: false })
    } catch (cause) {
      if (cause instanceof StoppedError) return become(available(update))
      return become({ kind: 'failed', update, ...failureOf(cause) })
    }
  }

  /** App versions §10. */
  async function handOver(update: AppUpdate): Promise<UpdaterState> {
    become({ kind: 'handing-over', update })
    const { fileName, format, version, sha256, sizeBytes } = update
    try {
      await host.part.conceal(fileName)
      if (!(await isVerified(host, update))) {
        await host.part.discard()
        throw new AppUpdateError('hash-mismatch', 'the file on the disk is not any more what was downloaded')
      }
      const path = await host.part.reveal(fileName)
      await tell(() => host.installer.handOver({ path, fileName, format, version, sha256, sizeBytes }))
      return become({ kind: 'handed-over', update })
    } catch (cause) {
      return become({ kind: 'failed', update, ...failureOf(cause) })
    }
  }

  async function tell(handOver: () => Promise<void>): Promise<void> {
    try {
      await handOver()
    } catch (cause) {
      throw new AppUpdateError('install-failed', `the installer did not take it: ${messageOf(cause)}`, { cause })
    }
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    check: () => (state.kind === 'downloading' || state.kind === 'handing-over' ? Promise.resolve(state) : check()),
    download() {
      if (state.kind !== 'available' && state.kind !== 'failed') return running ?? Promise.resolve(state)
      const { update } = state
      return run(() => fetchUpdate(update))
    },
    install() {
      if (state.kind !== 'ready' && state.kind !== 'handed-over') return running ?? Promise.resolve(state)
      const { update } = state
      return run(() => handOver(update))
    },
    later() {
      if (!('update' in state) || state.update.isMandatory) return
      const { update } = state
      if (state.kind === 'ready') become({ kind: 'ready', update, isPostponed: true })
      else if (state.kind === 'available' || state.kind === 'failed') {
        become({ kind: 'available', update, isPostponed: true })
      } else return
      postponed = update.version
    },
    stop: () => stop.stop(),
  }
}

function failureOf(cause: unknown): Failure {
  const { code, message, isRetryable } = asAppUpdateError(cause)
  return { code, message, isRetryable }
}
