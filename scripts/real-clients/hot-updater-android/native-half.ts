import type { Fetched, NativeHalf } from '../hot-updater/native-half.ts'
import type { NativePhones, NativeState } from '../react-native/native-phones.ts'

export interface HotUpdaterState extends NativeState {
  constants: Record<string, unknown>
  /** What methods of these names answer at once. */
  read: Record<string, unknown>
}

export interface BinaryConfiguration {
  appVersion: string
  publicKey?: string
}

/** What JavaScript calls by these names is answered by the plugin's Kotlin. */
const METHODS = ['reload', 'reloadProcess', 'resetChannel', 'setCohort', 'updateBundle'] as const

/** The plugin's own Kotlin on a phone. */
export function createNativeHalf(
  phones: NativePhones<HotUpdaterState>,
  {
    phone,
    configuration = { appVersion: '1.0.0' },
    fetched,
  }: { phone: string; configuration?: BinaryConfiguration | undefined; fetched: () => Fetched[] },
): NativeHalf {
  let state: HotUpdaterState | undefined
  let restarted = Promise.withResolvers<void>()

  function moduleOf({ constants, read }: HotUpdaterState): object {
    return {
      getConstants: () => constants,
      ...Object.fromEntries(Object.entries(read).map(([name, value]) => [name, () => value])),
      ...Object.fromEntries(METHODS.map((name) => [name, (...given: unknown[]) => phones.call(name, given)])),
      addListener: () => undefined,
      removeListeners: () => undefined,
    }
  }

  return {
    async start(onRestart) {
      restarted = Promise.withResolvers<void>()
      state = await phones.start(phone, configuration, ({ starts }) => {
        if (starts !== 'com.hotupdater.HotUpdaterRestartActivity') return
        restarted.resolve()
        onRestart()
      })
      return moduleOf(state)
    },
    bundle: () => state?.bundle ?? '',
    async appear() {
      await phones.happen('appear')
    },
    async crash() {
      const recovered = restarted.promise
      await phones.happen('crash', { message: 'it does not start' })
      await recovered
    },
    fetched,
  }
}
