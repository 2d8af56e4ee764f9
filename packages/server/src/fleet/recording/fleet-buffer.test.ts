import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readReport } from './device-report.ts'
import { createFleetBuffer } from './fleet-buffer.ts'
import { aNote, APP_ID, aReport } from './testing/fixtures.ts'

const aReadReport = (deviceId: string) => readReport(APP_ID, aReport({ deviceId }), 1_000)

test('of a device only the latest check is kept', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  buffer.addNote(aNote({ at: 1 }))
  buffer.addNote(aNote({ at: 2 }))
  buffer.addNote(aNote({ appId: 'another', at: 3 }))
  expect(buffer.take(10).notes.map(({ at }) => at)).toEqual([2, 3])
})

test('when it is full, checks of further devices are dropped and counted', () => {
  const buffer = createFleetBuffer({ maxNotes: 2, maxReports: 10, isKnown: () => true })
  for (const deviceId of ['a', 'b', 'c', 'd']) buffer.addNote(aNote({ deviceId }))
  buffer.addNote(aNote({ deviceId: 'a', at: 2_000 }))
  expect(buffer.dropped().notes.known).toBe(2)
  expect(buffer.take(10).notes).toMatchObject([{ deviceId: 'a', at: 2_000 }, { deviceId: 'b' }])
})

test('it says when there is no room for reports', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 2, isKnown: () => true })
  void buffer.addReport(aReadReport('a'))
  expect([buffer.hasRoomForReports(1, 'a'), buffer.hasRoomForReports(2, 'a')]).toEqual([true, false])
})

test('the same event waits once', async () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  const waiting = [buffer.addReport(aReadReport('a')), buffer.addReport(aReadReport('a'))]
  const { reports } = buffer.take(10)
  expect(reports).toHaveLength(1)
  reports[0]?.stored.resolve()
  await Promise.all(waiting)
})

test('the oldest are taken first, so many of each', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  for (const deviceId of ['a', 'b', 'c']) {
    buffer.addNote(aNote({ deviceId }))
    void buffer.addReport(aReadReport(deviceId))
  }
  const taken = buffer.take(2)
  expect(taken.notes.map(({ deviceId }) => deviceId)).toEqual(['a', 'b'])
  expect(taken.reports.map(({ device }) => device.device_id)).toEqual(['a', 'b'])
  expect(buffer.sizes()).toEqual({ notes: 1, reports: 1 })
})

test('what is put back does not replace what is newer', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  buffer.addNote(aNote({ deviceId: 'a', at: 1 }))
  buffer.addNote(aNote({ deviceId: 'b', at: 1 }))
  const taken = buffer.take(10)
  buffer.addNote(aNote({ deviceId: 'a', at: 2 }))
  buffer.putBack(taken)
  expect(buffer.take(10).notes).toMatchObject([
    { deviceId: 'a', at: 2 },
    { deviceId: 'b', at: 1 },
  ])
})

test('an older check that counts for something else is kept, and goes first', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  const hour = 3_600_000
  buffer.addNote(aNote({ rolloutId: 'one', isOffer: true, at: 1 }))
  buffer.addNote(aNote({ rolloutId: 'one', isOffer: false, at: 2 }))
  buffer.addNote(aNote({ rolloutId: 'one', isOffer: false, at: 3 }))
  buffer.addNote(aNote({ rolloutId: 'two', isOffer: false, at: 4 }))
  buffer.addNote(aNote({ rolloutId: 'two', isOffer: false, at: hour }))
  expect(buffer.sizes().notes).toBe(4)
  const first = buffer.take(2)
  expect(first.notes.map(({ at }) => at)).toEqual([1, 3])
  buffer.putBack(first)
  expect(buffer.take(10).notes.map(({ at }) => at)).toEqual([4, 1, 3, hour])
})

test('older checks take room, too, and are dropped and counted when there is none', () => {
  const buffer = createFleetBuffer({ maxNotes: 2, maxReports: 10, isKnown: () => true })
  for (const at of [1, 2, 3, 4]) buffer.addNote(aNote({ rolloutId: `rollout-${at}`, at }))
  expect(buffer.take(10).notes.map(({ at }) => at)).toEqual([1, 4])
  expect(buffer.dropped().notes.known).toBe(2)
})

test('a device that is forgotten has nothing left in it', () => {
  const buffer = createFleetBuffer({ maxNotes: 10, maxReports: 10, isKnown: () => true })
  for (const rolloutId of ['one', 'two']) buffer.addNote(aNote({ rolloutId }))
  buffer.forget(APP_ID, 'device-1')
  expect(buffer.sizes()).toEqual({ notes: 0, reports: 0 })
})

describe('in a flood of devices that nobody has seen before', () => {
  const isKnown = (deviceId: string) => deviceId.startsWith('known')
  type Told = { deviceId: string }
  const known = (index: number): Told => ({ deviceId: `known-${index}` })
  const invented = (index: number): Told => ({ deviceId: `invented-${index}` })

  test('every check of as many known devices as have room is kept, in whatever order they come', () => {
    const order = fc.array(fc.oneof(fc.nat({ max: 29 }).map(known), fc.nat({ max: 100_000 }).map(invented)), {
      maxLength: 500,
      size: 'max',
    })
    fc.assert(
      fc.property(order, (told) => {
        const buffer = createFleetBuffer({ maxNotes: 40, maxReports: 10, isKnown })
        for (const { deviceId } of told) buffer.addNote(aNote({ deviceId }))
        expect(buffer.sizes().notes).toBeLessThanOrEqual(40)
        const kept = new Set(buffer.take(1_000).notes.map(({ deviceId }) => deviceId))
        const ofTheFleet = new Set(told.map(({ deviceId }) => deviceId).filter(isKnown))
        expect([...ofTheFleet].filter((deviceId) => !kept.has(deviceId))).toEqual([])
        expect(buffer.dropped().notes.known).toBe(0)
        expect([...kept].filter((deviceId) => !isKnown(deviceId)).length).toBeLessThanOrEqual(10)
      }),
    )
  })

  test('what is not taken is counted, by who told it', () => {
    const buffer = createFleetBuffer({ maxNotes: 8, maxReports: 8, isKnown })
    for (let index = 0; index < 10; index++) buffer.addNote(aNote(invented(index)))
    for (let index = 0; index < 10; index++) buffer.addNote(aNote(known(index)))
    for (let index = 0; index < 2; index++) void buffer.addReport(aReadReport(`invented-${index}`))
    expect(buffer.hasRoomForReports(1, 'invented-9')).toBe(false)
    expect(buffer.hasRoomForReports(6, 'known-1')).toBe(true)
    expect(buffer.hasRoomForReports(7, 'known-1')).toBe(false)
    expect(buffer.dropped()).toEqual({ notes: { known: 4, unknown: 8 }, reports: { known: 7, unknown: 1 } })
  })
})
