import type { AppConfiguration, NativeHalf, NativeModule } from '../code-push/native-half.ts'
import type { NativePhones, NativeState } from '../react-native/native-phones.ts'

export interface CodePushState extends NativeState {
  constants: Record<string, number>
}

export interface BinaryConfiguration extends AppConfiguration {
  /** With which packages are to be signed. */
  publicKey?: string
}

/** What JavaScript calls by these names is answered by the plugin's Java. */
const METHODS = [
  'allow',
  'clearPendingRestart',
  'clearUpdates',
  'disallow',
  'downloadUpdate',
  'getConfiguration',
  'getLatestRollbackInfo',
  'getNewStatusReport',
  'getUpdateMetadata',
  'installUpdate',
  'isFailedUpdate',
  'isFirstRun',
  'notifyApplicationReady',
  'recordStatusReported',
  'restartApp',
  'saveStatusReportForRetry',
  'setLatestRollbackInfo',
] as const

/** The plugin's own Java on a phone. */
export function createNativeHalf(
  phones: NativePhones<CodePushState>,
  {
    phone,
    configuration,
    downloadedBytes,
  }: { phone: string; configuration: BinaryConfiguration; downloadedBytes: () => number },
): NativeHalf {
  let binary = { appVersion: '1.0.0', builtAt: '1000' }
  let bundle = ''
  let processes = 0

  function moduleOf({ constants }: CodePushState, process: number): NativeModule {
    // To the JavaScript of a process that is gone nothing is answered.
    const call = (name: string, given: unknown[]) =>
      process === processes ? phones.call(name, given) : new Promise(() => undefined)
    const methods = METHODS.map((name) => [name, (...given: unknown[]) => call(name, given)])
    return { ...constants, ...Object.fromEntries(methods) }
  }

  return {
    async start(onReload) {
      const process = (processes += 1)
      const started = await phones.start(phone, { ...configuration, ...binary }, ({ reloads }) => {
        if (!reloads) return
        const state = reloads as CodePushState
        bundle = state.bundle
        onReload(moduleOf(state, process))
      })
      bundle = started.bundle
      return moduleOf(started, process)
    },
    runs: () => bundle,
    downloadedBytes,
    update(appVersion) {
      binary = { appVersion, builtAt: String(Number(binary.builtAt) + 1) }
    },
  }
}
