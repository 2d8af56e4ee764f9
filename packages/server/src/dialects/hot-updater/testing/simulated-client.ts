import { NO_BUILD } from '@hotpatch/protocol'

interface SimulatedOptions {
  platform: 'android' | 'ios'
  appVersion: string
  /** `MIN_BUNDLE_ID`. */
  minBundleId: string
  cohort: string | undefined
  /** What its app adds with `requestHeaders`: its own id, and what `getCrashHistory` says. */
  deviceId?: string | undefined
  /** Whether a build comes up. */
  starts(bundleId: string): boolean
}

const MAX_CRASHED = 10

/**
 * The rules of hot-updater 0.36.3 by which a client asks, takes, starts and goes back: `checkForUpdate.ts`, `native.ts`,
 * `BundleFileStorageService.kt` and `HotUpdaterImpl.kt`, written again for tests.
 */
export function createSimulatedClient(options: SimulatedOptions) {
  const { platform, appVersion, minBundleId, cohort, deviceId, starts } = options
  let staging: string | null = null
  let stable: string | null = null
  let isPending = false
  let crashed: string[] = []
  /** Of this process: what is staged meanwhile runs with the next one. */
  let launched: string | null = null

  /** `prepareLaunch`, and after a crash once more. */
  function launch(): void {
    launched = staging ?? stable
    if (launched === null || !isPending || launched !== staging) return
    if (starts(launched)) isPending = false
    else {
      crashed = [...crashed, launched].slice(-MAX_CRASHED)
      ;[staging, stable, isPending] = [stable, null, false]
      launch()
    }
  }

  const running = () => launched ?? minBundleId

  /** Below the address of the server. */
  function path(channel: string): string {
    const words = ['app-version', platform, appVersion, channel, minBundleId, running()]
    return `/${words.join('/')}${cohort === undefined ? '' : `/${encodeURIComponent(cohort)}`}`
  }

  function headers(): Record<string, string> {
    const told = deviceId !== undefined && { 'x-device-id': deviceId, 'x-crashed-bundles': crashed.join(',') }
    return { 'content-type': 'application/json', 'hot-updater-sdk-version': '0.36.3', ...told }
  }

  /** @throws where the client would */
  function take(text: string): 'nothing' | 'staged' | 'sent-back' | 'crashed-before' {
    const answer = JSON.parse(text) as Answer | null
    if (!answer || answer.status === 'UP_TO_DATE') return 'nothing'
    if (answer.status === 'UPDATE' && answer.id.localeCompare(running()) <= 0) {
      throw new Error('Update bundle id is not newer than the current bundle id. Preventing infinite update loop.')
    }
    if (answer.fileUrl === null) {
      if (answer.id !== NO_BUILD || answer.status !== 'ROLLBACK') throw new Error(`Nothing to fetch of ${answer.id}.`)
      ;[staging, stable, isPending] = [null, null, false]
      return 'sent-back'
    }
    if (!answer.fileHash) throw new Error('File hash is missing or empty.')
    if (crashed.includes(answer.id)) return 'crashed-before'
    const verified = staging !== null && !isPending ? staging : stable
    ;[stable, staging, isPending] = [verified === answer.id ? null : verified, answer.id, true]
    return 'staged'
  }

  return { binary: minBundleId, path, headers, take, launch, running }
}

interface Answer {
  id: string
  status: 'UPDATE' | 'ROLLBACK' | 'UP_TO_DATE'
  fileUrl: string | null
  fileHash: string | null
}
