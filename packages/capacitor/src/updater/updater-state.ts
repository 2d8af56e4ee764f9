import type { BundleDecision } from '../decision/decide-bundle.ts'
import type { FetchFailure } from '../manifest/fetch-manifest.ts'

/** What the app shows, if anything. */
export type UpdaterState =
  | { kind: 'idle' }
  /** In silence: for apps that want to show it all the same. */
  | { kind: 'downloading'; version: string }
  /** The bundle is there: reload now, or later? `failure` says why the last try did not switch. */
  | { kind: 'question'; version: string; isDowngrade: boolean; failure: string | undefined }
  | { kind: 'switching'; version: string; isDowngrade: boolean }
  | { kind: 'native-required'; minNativeVersion: string; nativeVersion: string }

export type NothingReason =
  | (BundleDecision & { kind: 'nothing' })['reason']
  | FetchFailure
  | 'no-plugin'
  | 'plugin-failed'
  | 'no-server'
  | 'signature-missing'
  | 'signature-invalid'
  | 'signature-unverifiable'
  | 'download-failed'
  | 'asked-already'
  | 'question-open'
  | 'switching'
  | 'stopped'

/** What a check came to; there is always a reason. */
export type UpdateOutcome =
  | { kind: 'nothing'; reason: NothingReason; detail: string }
  | { kind: 'asked'; reason: 'version-differs' | 'version-lower'; version: string }
  | { kind: 'native-too-old'; reason: 'native-too-old'; minNativeVersion: string; isShown: boolean }

export function nothing(reason: NothingReason, detail: string): UpdateOutcome {
  return { kind: 'nothing', reason, detail }
}
