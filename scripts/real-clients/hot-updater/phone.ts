import { NO_BUILD, loadClient, type Client } from './client.ts'
import type { NativeHalf } from './native-half.ts'

/** A phone with the client's own JavaScript, loaded anew whenever the app is, over a native half. */
export function createPhone({
  client,
  native,
  platform = 'android',
}: {
  client: string
  native: NativeHalf
  platform?: 'android' | 'ios'
}) {
  let loaded: Client | undefined
  /** Whoever asks next is told what went wrong there. */
  let restarting: Promise<void> = Promise.resolve()

  async function start(): Promise<void> {
    loaded = loadClient(client, platform, await native.start(restart))
  }

  /** As the system does when the app asks for it. */
  function restart(): void {
    restarting = start()
    restarting.catch(() => undefined)
  }

  async function running(): Promise<Client> {
    await restarting
    if (!loaded) throw new Error('the app does not run')
    return loaded
  }

  return {
    start,
    bundle: () => native.bundle(),
    fetched: () => native.fetched(),
    appear: () => native.appear(),
    async crash(): Promise<void> {
      await native.crash()
      await restarting
    },
    /** `HotUpdater.checkForUpdate` with the resolver that a `baseURL` makes, and what it offers taken. */
    async update(baseURL: string, options: object = {}): Promise<string> {
      const errors: Error[] = []
      const { checkForUpdate, createDefaultResolver, reload } = await running()
      const answer = await checkForUpdate({
        updateStrategy: 'appVersion',
        resolver: createDefaultResolver(baseURL),
        onError: (error: Error) => errors.push(error),
        ...options,
      })
      if (errors[0]) return `error: ${errors[0].message}`
      if (!answer) return 'nothing'
      await answer.updateBundle()
      // As `HotUpdater.wrap` does it.
      if (answer.shouldForceUpdate) await reload()
      await restarting
      return `${answer.status} ${answer.id === NO_BUILD ? 'built in' : answer.id}`
    },
    report: async () => (await running()).notifyAppReady(),
    crashHistory: async () => (await running()).getCrashHistory(),
  }
}

export type Phone = ReturnType<typeof createPhone>
