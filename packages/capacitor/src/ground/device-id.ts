import { within } from '@hotpatch/device-ground'
import type { Host } from './ports.ts'
import type { HotPatchConnection, Limits } from './settings.ts'

/** Who a HotPatch server knows this installation as: what the app says, or else the plugin. It rejects when nobody knows. */
export function createDeviceId(
  { plugin, clock }: Pick<Host, 'plugin' | 'clock'>,
  { hotPatch, limits }: { hotPatch: HotPatchConnection | undefined; limits: Limits },
): () => Promise<string> {
  let known = hotPatch?.deviceId
  return async () => {
    if (known !== undefined) return known
    if (!plugin?.getDeviceId) throw new Error('no device id')
    const asked = plugin.getDeviceId()
    const { deviceId } = await within(clock, { ms: limits.pluginTimeoutMs, what: 'getDeviceId' }, asked)
    return (known = deviceId)
  }
}
