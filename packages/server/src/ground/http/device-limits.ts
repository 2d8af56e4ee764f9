import type { FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import { addressPrefix } from './address-prefix.ts'
import { createRateLimiter, requireRoom } from './rate-limit.ts'

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
  clock,
}: {
  settings: DeviceLimitSettings
  isKnown: (deviceId: string) => boolean
  clock: Clock
}) {
  const limiter = (perPeriod: number) => createRateLimiter({ perPeriod, clock })
  const devices = limiter(settings.devicePerMinute)
  const addresses = limiter(settings.addressPerMinute)
  const addressBytes = limiter(settings.addressBytesPerMinute)
  const addressEvents = limiter(settings.addressEventsPerMinute)
  const appBytes = limiter(settings.appBytesPerMinute)
  const appEvents = limiter(settings.appEventsPerMinute)
  const strangersBytes = limiter(settings.appBytesPerMinute * STRANGERS_SHARE)
  const strangersEvents = limiter(settings.appEventsPerMinute * STRANGERS_SHARE)

  /** Before the body is read: one request, and the bytes that it says it has. */
  function admitRequest(request: FastifyRequest): void {
    const address = addressPrefix(request.ip)
    requireRoom(addresses, address, 'this address')
    const announced = request.headers['content-length']
    if (announced !== undefined) countBytes(address, Number(announced))
  }

  /** After a body was read that did not say how long it is. */
  function admitBody(request: FastifyRequest, body: string | Buffer): void {
    if (request.headers['content-length'] !== undefined) return
    countBytes(addressPrefix(request.ip), Buffer.byteLength(body))
  }

  function countBytes(address: string, sizeBytes: number): void {
    if (sizeBytes > 0) requireRoom(addressBytes, address, 'this address', sizeBytes, 'bytes')
  }

  function admitDevice(appId: string, deviceId: string): void {
    requireRoom(devices, `${appId} ${deviceId}`, 'this device')
  }

  /** What a device reports, besides its checks. */
  function admitEvents(request: FastifyRequest, appId: string, deviceId: string, events: number): void {
    requireRoom(addressEvents, addressPrefix(request.ip), 'this address', events, 'events')
    // Whoever does not say how much it sends has sent as much as it may.
    const bytes = Number(request.headers['content-length'] ?? request.routeOptions.bodyLimit)
    if (!isKnown(deviceId)) {
      requireRoom(strangersEvents, appId, 'new devices of this app', events, 'events')
      requireRoom(strangersBytes, appId, 'new devices of this app', bytes, 'bytes')
    }
    requireRoom(appEvents, appId, 'devices of this app', events, 'events')
    requireRoom(appBytes, appId, 'devices of this app', bytes, 'bytes')
  }

  /** For those that are no devices. */
  function admitAddress(request: FastifyRequest): void {
    requireRoom(addresses, addressPrefix(request.ip), 'this address')
  }

  return { admitRequest, admitBody, admitDevice, admitEvents, admitAddress }
}
