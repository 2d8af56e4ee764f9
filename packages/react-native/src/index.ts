export type {
  NativeConfiguration,
  NativeEvent,
  NativeFailure,
  NativeOutcome,
  NativeStatus,
  ReleaseName,
  UpdateState,
} from './native/messages.ts'
export type { Spec } from './NativeHotPatch.ts'
