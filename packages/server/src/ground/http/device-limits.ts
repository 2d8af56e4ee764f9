import { addressPrefix } from './address-prefix.ts'
import { requireRoom } from './rate-limit.ts'
import type { CreateLimiter } from './share-limits.ts'

/** Each a minute; 0 for no limit. */
export interface DeviceLimitSettings {
  devicePerMinute: number
  addressPerMinute: number
  addressBytesPerMinute: number
  addressEventsPerMinute: number
  appBytesPerMinute: number
  appEventsPerMinute: number
}

export type DeviceLimits = ReturnType<typeof createDeviceLimits>

/** Of what an app may report, what devices that the server has not seen before may use. */
const STRANGERS_SHARE = 1 / 2

/**
 * What devices may send: requests, bytes and events, counted for each device, address and app. All refuse with 429,
 * before anything is stored, so that whoever sent it may send it again.
 * @param isKnown whether the server has seen a device before
 */
export function createDeviceLimits({
  settings,
  isKnown,
  createLimiter,
}: {
  settings: DeviceLimitSettings
  isKnown: (deviceId: string) => boolean
  createLimiter: CreateLimiter
}) {
  const devices = createLimiter('devices', settings.devicePerMinute)
  const addresses = createLimiter('addresses', settings.addressPerMinute)
  const addressBytes = createLimiter('address bytes', settings.addressBytesPerMinute)
  const addressEvents = createLimiter('address events', settings.addressEventsPerMinute)
  const appBytes = createLimiter('app bytes', settings.appBytesPerMinute)
  const appEvents = createLimiter('app events', settings.appEventsPerMinute)
  const strangersBytes = createLimiter('strangers bytes', settings.appBytesPerMinute * STRANGERS_SHARE)
  const strangersEvents = createLimiter('strangers events', settings.appEventsPerMinute * STRANGERS_SHARE)

  /**
   * Before the body is read: one request, and the bytes that it says it has.
   * @param declaredBytes undefined when it says nothing
   */
  function admitRequest(address: string, declaredBytes: number | undefined): void {
    const prefix = addressPrefix(address)
    requireRoom(addresses, prefix, 'this address')
    if (declaredBytes !== undefined) countBytes(prefix, declaredBytes)
  }

  /** After a body was read that did not say how long it is. */
  function admitBody(address: string, sizeBytes: number): void {
    countBytes(addressPrefix(address), sizeBytes)
  }

  function countBytes(address: string, sizeBytes: number): void {
    if (sizeBytes > 0) requireRoom(addressBytes, address, 'this address', sizeBytes, 'bytes')
  }

  function admitDevice(appId: string, deviceId: string): void {
    requireRoom(devices, `${appId} ${deviceId}`, 'this device')
  }

  /** What a device reports, besides its checks. */
  function admitEvents(address: string, appId: string, deviceId: string, events: number, bytes: number): void {
    requireRoom(addressEvents, addressPrefix(address), 'this address', events, 'events')
    if (!isKnown(deviceId)) {
      requireRoom(strangersEvents, appId, 'new devices of this app', events, 'events')
      requireRoom(strangersBytes, appId, 'new devices of this app', bytes, 'bytes')
    }
    requireRoom(appEvents, appId, 'devices of this app', events, 'events')
    requireRoom(appBytes, appId, 'devices of this app', bytes, 'bytes')
  }

  /** For those that are no devices. */
  function admitAddress(address: string): void {
    requireRoom(addresses, addressPrefix(address), 'this address')
  }

  return { admitRequest, admitBody, admitDevice, admitEvents, admitAddress }
}
