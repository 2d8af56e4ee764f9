import { TurboModuleRegistry, type TurboModule } from 'react-native'

/**
 * The native module `HotPatch`, for both architectures: React Native's codegen reads this file, whose name it demands.
 *
 * Whatever has a shape crosses as one text of JSON (native/messages.ts), written and read by the engine's own code, which
 * is tested without React: so the glue between the two, which is not, stays a few lines.
 *
 * Outcomes are values. A promise rejects only for what the app did wrong, with the code `config-invalid` (the message
 * says which field, what was expected and what was found) or `not-configured`.
 */
export interface Spec extends TurboModule {
  /** A `NativeStatus`: what is in memory, at once, before the first render. Needs no network, and no configuration. */
  readonly status: () => string

  /**
   * Takes a `NativeConfiguration`, gives a `NativeStatus`. What the binary says of itself (README, *What the binary says*)
   * holds against what is said here. May be called again: what is different then holds from the next check on.
   */
  readonly configure: (configuration: string) => Promise<string>

  /** A `NativeOutcome`. A second call joins the first one, as with the next two. */
  readonly check: () => Promise<string>

  /** A `NativeOutcome`: downloads what the last check found, or else what a new one finds, and stages it. */
  readonly download: () => Promise<string>

  /** A `NativeOutcome`: checks, downloads, stages and reports; restarts for a mandatory update, unless told otherwise. */
  readonly sync: () => Promise<string>

  /** The running release works. False when that could not be stored: then it may be asked again. */
  readonly confirm: () => Promise<boolean>

  /**
   * The running release does not work. Blocks until that is written, for the app may be about to end. False when nothing
   * runs that could be gone back from, or it could not be written.
   */
  readonly crashed: () => boolean

  /** The next start goes back from what runs, which is never tried again. False when embedded runs, or it was not stored. */
  readonly rollBack: () => Promise<boolean>

  /**
   * Chooses anew what runs, as a start of the app does (what is staged takes its place), and loads JavaScript again. False
   * when this app cannot do that: what is staged waits for the next start.
   */
  readonly restart: () => Promise<boolean>

  /** Remembered on this device, before any other channel that is said; null forgets it. Gives a `NativeStatus`. */
  readonly setChannel: (channel: string | null) => Promise<string>

  /** Sends the reports that wait, which `sync` and `confirm` do as well. */
  readonly flushReports: () => Promise<void>

  /**
   * There is one event, `HotPatchEvent`, whose body is a `NativeEvent` as JSON. These two are what React Native wants of
   * everything that has events; without a listener none has to be sent. Of `progress` at most ten are sent in a second, and
   * the last one.
   */
  readonly addListener: (eventName: string) => void
  readonly removeListeners: (count: number) => void
}

// Over the old bridge it gives what is in NativeModules. Null where the app was built without it, and in Expo Go.
export default TurboModuleRegistry.get<Spec>('HotPatch')
