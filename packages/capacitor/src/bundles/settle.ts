import { type ClockPort, within } from '@hotpatch/device-ground'
import type { BrokenBundle } from '../decision/decide-bundle.ts'
import type { BundleInfo, UpdaterPlugin } from '../ground/ports.ts'
import type { Limits } from '../ground/settings.ts'
import type { KnownBundle, Memory } from '../memory/memory.ts'
import type { NewEvent } from '../reporting/reporter.ts'

/** What became of the last switch: `applied` is by this very bundle. */
export interface Settled {
  applied: KnownBundle | undefined
  rolledBack: BrokenBundle | undefined
}

/**
 * Looks once in each process at what the last one left: whether the bundle that was switched to runs, or the plugin went
 * back from it. The plugin tells of the second once, and keeps what it went back from as failed or deleted.
 */
export async function settleLastSwitch({
  plugin,
  clock,
  memory,
  limits,
  note,
}: {
  plugin: UpdaterPlugin
  clock: ClockPort
  memory: Memory
  limits: Limits
  note: (event: NewEvent) => void
}): Promise<Settled> {
  const quickly = <T>(what: string, work: Promise<T>) => within(clock, { ms: limits.pluginTimeoutMs, what }, work)
  const { bundle: running, native } = await quickly('current', plugin.current())
  // A new shell may run what the last one could not, and the plugin has forgotten its bundles.
  if (memory.current().nativeVersion !== native) {
    await memory.change({ nativeVersion: native, broken: [], spoiled: [], downloaded: [] })
  }

  const { switching } = memory.current()
  const failed = await failedUpdate()
  const applied = switching && switching.id === running.id ? switching : undefined
  const rolledBack = failed ? known(failed, switching) : await findFailed(switching, running)
  if (rolledBack) {
    const broken = [...memory.current().broken, { version: rolledBack.version, checksum: rolledBack.checksum }]
    await memory.change({ broken: broken.slice(-limits.rememberedBundles) })
    note({ kind: 'rolled-back', version: rolledBack.version, code: 'not-confirmed' })
  }
  if (applied) {
    note({ kind: 'applied', version: applied.version })
    note({ kind: 'confirmed', version: applied.version })
  }
  if (switching) await memory.change({ switching: null })
  return { applied, rolledBack }

  /** Null in older plugins, and in those that know of none. */
  async function failedUpdate(): Promise<BundleInfo | null> {
    try {
      return (await quickly('getFailedUpdate', plugin.getFailedUpdate()))?.bundle ?? null
    } catch {
      return null // an older plugin: findFailed looks
    }
  }

  async function findFailed(switching: KnownBundle | null, running: BundleInfo): Promise<BrokenBundle | undefined> {
    if (!switching || switching.id === running.id) return undefined
    const { bundles } = await quickly('list', plugin.list({ raw: true }))
    const found = bundles.find(({ id }) => id === switching.id)
    // Still "pending": the process ended before the plugin switched. Nothing was tried.
    return found && ['error', 'deleting', 'deleted'].includes(found.status) ? switching : undefined
  }
}

/** The plugin may not know the checksum of what it went back from. */
function known({ id, version, checksum }: BundleInfo, switching: KnownBundle | null): BrokenBundle {
  return switching?.id === id ? switching : { version, checksum: checksum ?? '' }
}
