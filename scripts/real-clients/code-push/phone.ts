import { createRequire } from 'node:module'
import { until } from '../attempt.ts'
import type { Metadata, NativeHalf, NativeModule, StatusReport } from './native-half.ts'

/** The JavaScript half. */
export interface CodePush {
  sync(
    options: object,
    onStatus: undefined,
    onProgress: undefined,
    onMismatch: (update: object) => void,
  ): Promise<number>
  checkForUpdate(): Promise<(Metadata & { failedInstall: boolean; packageSize?: number }) | null>
  notifyAppReady(): Promise<unknown>
  SyncStatus: Record<'UP_TO_DATE' | 'UPDATE_INSTALLED' | 'UPDATE_IGNORED', number>
}

const require = createRequire(import.meta.url)

/**
 * An installation: the JavaScript half of a plugin as it is published, loaded anew whenever the app is, over a native
 * half. The app says that it is ready whenever it is loaded, but where its bundle is a broken one.
 *
 * @param plugin the file with the JavaScript half
 */
export function createPhone({ native, plugin }: { native: NativeHalf; plugin: string }) {
  const reports: StatusReport[] = []
  const untold: StatusReport[] = []
  const mismatches: object[] = []
  let app: CodePush | undefined
  /** Whoever asks next is told what went wrong there. */
  let reloading: Promise<unknown> = Promise.resolve()

  async function load(module: NativeModule): Promise<void> {
    const heard = {
      recordStatusReported: (report: StatusReport) => void reports.push(report),
      saveStatusReportForRetry: (report: StatusReport) => void untold.push(report),
    }
    const native = Object.entries(heard).map(([name, hear]) => [
      name,
      (report: StatusReport) => {
        hear(report)
        return (module[name] as (report: StatusReport) => unknown)(report)
      },
    ])
    Reflect.set(globalThis, 'codePushNative', { ...module, ...Object.fromEntries(native) })
    Reflect.deleteProperty(require.cache, plugin)
    app = require(plugin) as CodePush
    if (!runs().includes('broken')) await app.notifyAppReady()
  }

  function reload(module: NativeModule): void {
    reloading = load(module)
    reloading.catch(() => undefined)
  }

  async function loaded(): Promise<CodePush> {
    await reloading
    if (!app) throw new Error('the app does not run')
    return app
  }

  function runs(): string {
    return native.runs()
  }

  return {
    /** A new process of the app: what was not ready by now has failed. */
    async start(): Promise<void> {
      await reloading
      await load(await native.start(reload))
    },
    /** As an app does it by itself. @returns the name of what came of it */
    async sync(): Promise<string | undefined> {
      const { sync, SyncStatus } = await loaded()
      const status = await sync({}, undefined, undefined, (update) => void mismatches.push(update))
      return Object.entries(SyncStatus).find(([, value]) => value === status)?.[0]
    },
    check: async () => (await loaded()).checkForUpdate(),
    /** Waits for the server to have been told this of an update. */
    told: (status: string, label: string) =>
      until(`${status} of ${label} is told`, async () =>
        reports.find((report) => report.status === status && report.package?.label === label),
      ),
    untold,
    mismatches,
    runs,
    downloadedBytes: () => native.downloadedBytes(),
    update: (appVersion: string) => native.update(appVersion),
  }
}

export type Phone = ReturnType<typeof createPhone>
