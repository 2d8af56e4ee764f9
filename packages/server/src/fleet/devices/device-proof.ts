import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Proof } from '../recording/device-report.ts'
import type { IdentifiedApp } from './device-identity.ts'

/**
 * What shows that a request comes from the installation whose id it tells. An attestation by the phone's maker (Play
 * Integrity, App Attest) would be another of these: its verdict is asked for when the device registers, and what
 * `issue` answers stands for it at every check, which awaits nothing.
 */
export interface DeviceProof {
  /** For whom nobody has asked before. @param deviceId as it is stored */
  issue(app: IdentifiedApp, deviceId: string): string
  isShown(app: IdentifiedApp, deviceId: string, shown: string): boolean
}

const TOKEN_BYTES = 24

/**
 * A credential that no table needs: a keyed hash of the device, so that a check is proven without looking anything up.
 * Of its own key: no id that a device chooses can give another device's credential.
 */
export function createDeviceCredentials({ secret }: { secret: string }): DeviceProof {
  const keys = new Map<string, Buffer>()

  function keyOf(appId: string): Buffer {
    const known = keys.get(appId)
    if (known) return known
    const key = createHmac('sha256', secret).update(`device credential of ${appId}`).digest()
    keys.set(appId, key)
    return key
  }

  function issue({ id }: IdentifiedApp, deviceId: string): string {
    return `hpd_${createHmac('sha256', keyOf(id)).update(deviceId).digest().toString('base64url', 0, TOKEN_BYTES)}`
  }

  function isShown(app: IdentifiedApp, deviceId: string, shown: string): boolean {
    const [expected, found] = [Buffer.from(issue(app, deviceId)), Buffer.from(shown)]
    return expected.length === found.length && timingSafeEqual(expected, found)
  }

  return { issue, isShown }
}

export const TOKEN_HEADER = 'x-device-token'

/**
 * Undefined where the app issues no credentials: then nobody has to show one.
 * @param shown in the header x-device-token
 */
export function readProof(
  proofs: DeviceProof,
  app: IdentifiedApp & { deviceCredentials: 'off' | 'optional' | 'required' },
  deviceId: string,
  shown: string | undefined,
): Proof | undefined {
  if (app.deviceCredentials === 'off') return undefined
  const isProven = shown !== undefined && proofs.isShown(app, deviceId, shown)
  return { isProven, isNeeded: app.deviceCredentials === 'required' }
}
