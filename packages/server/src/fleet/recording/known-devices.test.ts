import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createKnownDevices } from './known-devices.ts'

const create = (limits: Partial<Parameters<typeof createKnownDevices>[0]> = {}) =>
  createKnownDevices({ maxBytes: 2 ** 20, maxNewcomers: 1_000, seeds: [17, 4711], ...limits })

const ids = (name: string, count: number) => Array.from({ length: count }, (_, index) => `h_${name}-${index}`)

describe('known devices', () => {
  test('all are known as long as not all were read: nobody gives way to anybody', () => {
    const known = create()
    expect(known.isKnown('never seen')).toBe(true)
    known.complete()
    expect(known.isKnown('never seen')).toBe(false)
  })

  test('none that was added is ever forgotten, whatever its id', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.tuple(fc.nat(), fc.nat()), (deviceIds, seeds) => {
        const known = create({ seeds })
        known.complete()
        for (const deviceId of deviceIds) known.add(deviceId)
        return deviceIds.every(known.isKnown)
      }),
    )
  })

  test('grow, in less than five bytes each, and take few others for known ones', () => {
    const known = create({ maxBytes: 2 ** 24 })
    known.complete()
    const devices = ids('device', 200_000)
    for (const deviceId of devices) known.add(deviceId)
    expect(devices.every(known.isKnown)).toBe(true)
    const mistaken = ids('stranger', 20_000).filter(known.isKnown).length
    expect(mistaken).toBeLessThan(20_000 * 0.02)
    expect(known.sizes().sizeBytes / 200_000).toBeLessThan(5)
  })

  test('have bounded room: what comes when it is full stays unknown', () => {
    const known = create({ maxBytes: 2 ** 17 })
    known.complete()
    for (const deviceId of ids('device', 100_000)) known.add(deviceId)
    expect(known.sizes().sizeBytes).toBe(2 ** 17)
    expect(known.isKnown('h_device-0')).toBe(true)
    expect(ids('stranger', 1_000).filter(known.isKnown).length).toBeLessThan(50)
  })

  test('a newcomer is known from the second turn on', () => {
    const known = create()
    known.complete()
    known.learn('new')
    const seen = [known.isKnown('new')]
    for (let turn = 0; turn < 2; turn++) {
      known.turn()
      known.learn('new')
      seen.push(known.isKnown('new'))
    }
    expect(seen).toEqual([false, false, true])
  })

  test('newcomers are bounded, too', () => {
    const known = create({ maxNewcomers: 10 })
    for (const deviceId of ids('flood', 10_000)) known.learn(deviceId)
    known.turn()
    for (const deviceId of ids('other', 10_000)) known.learn(deviceId)
    expect(known.sizes().newcomers).toBe(20)
  })
})
