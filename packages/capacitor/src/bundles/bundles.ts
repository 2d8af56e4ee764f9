import { type ClockPort, messageOf, within } from '@hotpatch/device-ground'
import type { BundleManifest } from '../decision/manifest.ts'
import type { BundleInfo, UpdaterPlugin } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'
import type { KnownBundle, Memory } from '../memory/memory.ts'

/** The plugin's bundles: finding one again, having one downloaded, switching to it, and tidying up. */
export function createBundles({
  plugin,
  clock,
  memory,
  limits,
}: {
  plugin: UpdaterPlugin
  clock: ClockPort
  memory: Memory
  limits: Limits
}) {
  const quickly = <T>(what: string, work: Promise<T>) => within(clock, { ms: limits.pluginTimeoutMs, what }, work)
  /** By checksum. */
  const failedDownloads = new Map<string, number>()

  /**
   * Web bundle §8: what is there already is used only if it once said that it works, and nothing else of it is wrong. A
   * downloaded bundle that never ran is "pending" for the plugin, and so is a folder that it knows nothing about: of
   * neither is sure what is on the disk.
   */
  function isReusable({ id, version, checksum, status }: BundleInfo, wanted: BundleManifest): boolean {
    const isSame = version === wanted.version && checksum === wanted.checksum
    return isSame && status === 'success' && !memory.current().spoiled.includes(id)
  }

  /** `kept` may be switched to at any time. @throws when it cannot be had */
  async function obtain(
    wanted: BundleManifest,
    kept: string | undefined,
  ): Promise<{ bundle: KnownBundle; isFresh: boolean }> {
    const installed = await list()
    const reusable = installed.find((bundle) => isReusable(bundle, wanted))
    if (reusable) return { bundle: nameOf(reusable.id, wanted), isFresh: false }
    await tidy(
      installed.filter(({ id }) => id !== kept),
      wanted,
    )
    return { bundle: await download(wanted), isFresh: true }
  }

  async function list(): Promise<BundleInfo[]> {
    return (await quickly('list', plugin.list())).bundles ?? []
  }

  /** What was downloaded before and never ran would stay for ever: the plugin gives each download an id of its own. */
  async function tidy(installed: readonly BundleInfo[], wanted: BundleManifest): Promise<void> {
    const { downloaded, spoiled } = memory.current()
    const { bundle: running } = await quickly('current', plugin.current())
    for (const { id, version, status } of installed) {
      const isOurs = version === wanted.version || downloaded.includes(id) || spoiled.includes(id)
      const isUseless = status !== 'success' || spoiled.includes(id)
      if (id !== running.id && isOurs && isUseless) await remove(id)
    }
  }

  /** The plugin refuses for what runs, or runs next. */
  async function remove(id: string): Promise<void> {
    await quickly('delete', plugin.delete({ id })).catch(() => undefined)
  }

  async function download(wanted: BundleManifest): Promise<KnownBundle> {
    const { url, version, checksum } = wanted
    const failures = failedDownloads.get(checksum) ?? 0
    if (failures >= limits.downloadAttempts) throw new Error(`the download failed ${failures} times`)
    try {
      const bounds = { ms: limits.downloadTimeoutMs, what: 'the download' }
      const bundle = await within(clock, bounds, plugin.download({ url, version, checksum }))
      await hold(bundle, wanted)
      return nameOf(bundle.id, wanted)
    } catch (error) {
      failedDownloads.set(checksum, failures + 1)
      throw error
    }
  }

  /** The plugin verified the bytes; a web build of it answers with the built-in bundle, whatever is asked for. */
  async function hold(bundle: BundleInfo, { version, checksum }: BundleManifest): Promise<void> {
    const isWanted =
      bundle.id !== 'builtin' &&
      bundle.version === version &&
      bundle.status !== 'error' &&
      (!bundle.checksum || bundle.checksum === checksum)
    if (isWanted) {
      await memory.change({ downloaded: [...memory.current().downloaded, bundle.id].slice(-limits.rememberedBundles) })
      return
    }
    if (bundle.id !== 'builtin') await remove(bundle.id)
    throw new Error(`the plugin answered with ${bundle.id} ${bundle.version} (${bundle.status}) for ${version}`)
  }

  /** Where it works, nothing runs after it: the page is gone. @throws when the bundle does not run */
  async function switchTo(bundle: KnownBundle): Promise<void> {
    await memory.change({ switching: bundle })
    try {
      await within(clock, { ms: limits.switchTimeoutMs, what: 'the switch' }, plugin.set({ id: bundle.id }))
      const { bundle: running } = await quickly('current', plugin.current())
      if (running.id !== bundle.id) throw new Error(`${running.version} runs instead`)
    } catch (error) {
      await memory.change({
        switching: null,
        spoiled: [...memory.current().spoiled, bundle.id].slice(-limits.rememberedBundles),
      })
      await remove(bundle.id)
      throw new Error(`the switch to ${bundle.version} failed: ${messageOf(error)}`, { cause: error })
    }
  }

  return { obtain, switchTo }
}

function nameOf(id: string, { version, checksum }: BundleManifest): KnownBundle {
  return { id, version, checksum }
}
