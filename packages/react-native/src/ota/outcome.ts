import type { SdkCode } from '@hotpatch/protocol'
import type { NativeFailure, NativeOutcome, NativeStatus } from '../native/messages.ts'
import { UpdateError } from './update-error.ts'

/** Why there are no updates here at all: JavaScript comes from Metro, or the app was built without the native half. */
export type Unavailable = 'development' | 'native-module-missing'

/** What came of a check or a download. None of these is an exception. */
export type UpdateOutcome =
  | Exclude<NativeOutcome, { kind: 'failed' }>
  | { kind: 'failed'; code: SdkCode; error: UpdateError; releaseId: string | null }
  | { kind: 'unavailable'; reason: Unavailable }

export interface OtaStatus extends Omit<NativeStatus, 'problem'> {
  /** The app's private folder could not be read: embedded runs, and nothing is updated until the next start. */
  problem: UpdateError | null
  /** Null where updates work. */
  unavailable: Unavailable | null
}

export function outcomeOf(outcome: NativeOutcome): UpdateOutcome {
  if (outcome.kind !== 'failed') return outcome
  return { kind: 'failed', code: outcome.code, error: new UpdateError(outcome), releaseId: outcome.releaseId }
}

export function statusOf(status: NativeStatus): OtaStatus {
  return { ...status, problem: errorOf(status.problem), unavailable: null }
}

function errorOf(failure: NativeFailure | null): UpdateError | null {
  return failure && new UpdateError(failure)
}

/** What runs is what was bundled, by Metro or with the binary. */
export function statusWithout(reason: Unavailable): OtaStatus {
  return {
    running: { releaseId: null, version: 'embedded' },
    standing: null,
    staged: null,
    previous: null,
    highWater: 0,
    floor: 0,
    failedReleaseIds: [],
    channel: 'production',
    deviceId: '',
    nativeVersion: '',
    nativeBuild: null,
    runtimeVersion: null,
    isConfigured: false,
    problem: null,
    unavailable: reason,
  }
}
