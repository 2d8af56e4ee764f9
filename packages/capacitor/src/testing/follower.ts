import type { UpdaterPlugin } from '../ground/ports.ts'
import type { UpdaterOptions } from '../ground/settings.ts'
import type { UpdateOutcome } from '../updater/updater-state.ts'
import { createBundleUpdater, type BundleUpdater } from '../updater/updater.ts'
import { createAppDevice, type Page } from './app-device.ts'
import type { StandInConfig } from './plugin-stand-in.ts'

/** An app that follows a server, and whose bundles can be such that they do not come up. */
export function createFollower(
  serverUrl: string,
  {
    options,
    broken = [],
    ...device
  }: {
    options?: Partial<UpdaterOptions>
    /** Versions whose page never gets to say that it works. */
    broken?: string[]
    nativeVersion?: string
    config?: Partial<StandInConfig>
    wrap?: (plugin: UpdaterPlugin) => UpdaterPlugin | undefined
  } = {},
) {
  const pages: string[] = []
  let shown: { page: Page; updater: BundleUpdater; started: Promise<UpdateOutcome> } | undefined
  const phone = createAppDevice({
    ...device,
    app: (page) => {
      pages.push(page.bundle.version)
      shown = undefined
      if (broken.includes(page.bundle.version)) return
      const updater = createBundleUpdater(page.host, { serverUrl, allowInsecure: 'loopback', ...options })
      shown = { page, updater, started: updater.start() }
    },
  })

  const current = () => {
    if (!shown) throw new Error('no page that works is shown')
    return shown
  }

  return {
    phone,
    broken,
    /** The versions of all pages that were loaded, in order. */
    pages,
    host: () => current().page.host,
    updater: () => current().updater,
    state: () => current().updater.state(),
    running: () => pages.at(-1),
    /** What the check at a cold start came to. */
    async start(): Promise<UpdateOutcome> {
      await phone.coldStart()
      return current().started
    },
    /** What the check of a return to the foreground came to. */
    async comeBack(): Promise<UpdateOutcome> {
      phone.foreground()
      // Joins the one that has just begun.
      return current().updater.check()
    },
    /** "Reload now", until the next page is there and has looked. Undefined when that is broken. */
    async accept(): Promise<UpdateOutcome | undefined> {
      const before = pages.length
      void current().updater.reload()
      await until(() => pages.length > before)
      return shown?.started
    },
  }
}

/** Real input and output, without a clock. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (isSo()) return
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
  throw new Error('it never became so')
}
