import { SDK_CODES } from '@hotpatch/protocol'
import { describe, expect, test } from 'vitest'
import { isDeviceId, readRegistration, readReport, rowOfNote, type DeviceReport } from './device-report.ts'
import { aNote, APP_ID, aReport, RELEASE_1, RELEASE_2 } from './testing/fixtures.ts'

const NOW = Date.UTC(2026, 0, 1)
const read = (changes: Partial<DeviceReport>) => readReport(APP_ID, aReport(changes), NOW)
const idOf = (changes: Partial<DeviceReport>) => read(changes).event?.id

describe('the identity of an event', () => {
  test('a UUID is kept', () => {
    expect(idOf({ eventId: '01970000-0000-7000-8000-00000000ABCD' })).toBe('01970000-0000-7000-8000-00000000abcd')
  })

  test('the same report without an id is the same event', () => {
    expect(idOf({})).toBe(idOf({ detail: 'said again', occurredAt: NOW - 5 }))
    const different = [
      { deviceId: 'device-2' },
      { releaseId: RELEASE_2 },
      { kind: 'confirmed' as const },
      { eventId: '1' },
    ]
    expect(new Set([{}, ...different].map(idOf)).size).toBe(5)
  })

  test('two devices that count from 1 do not have the same events', () => {
    expect(idOf({ eventId: '1' })).not.toBe(idOf({ eventId: '1', deviceId: 'device-2' }))
    expect(idOf({ eventId: '1' })).toBe(idOf({ eventId: '1', kind: 'failed' }))
  })
})

describe('what counts as a failure of the release', () => {
  test.each([
    ['rolled-back', undefined, true],
    ['crashed', undefined, true],
    ['rolled-back', 'download-failed', true],
    ['failed', undefined, true],
    ['failed', null, true],
    ['failed', 'E_SOMETHING', true],
    ['failed', 'constructor', true],
    ['applied', undefined, false],
    ['confirmed', 'crashed', false],
    ['downloaded', undefined, false],
  ] as const)('%s with the code %s: %s', (kind, code, fails) => {
    expect(read({ kind, code }).failedReleaseId).toBe(fails ? RELEASE_1 : null)
  })

  test.each(Object.entries(SDK_CODES))('failed with the code %s: as the list says', (code, { blamesRelease }) => {
    expect(read({ kind: 'failed', code }).failedReleaseId).toBe(blamesRelease ? RELEASE_1 : null)
  })

  test('without a release nothing can be kept from the device', () => {
    expect(read({ kind: 'crashed', releaseId: undefined }).failedReleaseId).toBe(null)
  })
})

describe('when it happened', () => {
  const day = 24 * 3_600_000
  test.each([
    ['not told', undefined, NOW],
    ['a clock that is ahead', NOW + 1, NOW],
    ['a report that comes late', NOW - 40 * day, NOW - 40 * day],
    ['a clock without a battery', 0, NOW],
    ['not a number', Number.NaN, NOW],
    ['without end', Number.NEGATIVE_INFINITY, NOW],
    ['parts of a millisecond', NOW - 10.5, NOW - 11],
  ])('%s', (_, occurredAt, expected) => {
    const { event } = read({ occurredAt })
    expect(event).toMatchObject({ occurred_at: expected, received_at: NOW })
  })
})

describe('what the device runs', () => {
  test.each(['applied', 'confirmed'] as const)('%s: the release', (kind) => {
    expect(read({ kind })).toMatchObject({
      tellsCurrent: true,
      device: { current_release_id: RELEASE_1, current_version: '1.0.0' },
    })
  })

  test.each(['downloaded', 'failed', 'rolled-back', 'crashed'] as const)('%s: not told', (kind) => {
    expect(read({ kind }).tellsCurrent).toBe(false)
  })

  test('what the report says itself is what counts', () => {
    const { tellsCurrent, device } = read({ kind: 'rolled-back', currentReleaseId: RELEASE_2, currentVersion: '0.9.0' })
    expect(tellsCurrent).toBe(true)
    expect(device).toMatchObject({ current_release_id: RELEASE_2, current_version: '0.9.0' })
    expect(read({ kind: 'rolled-back', currentReleaseId: null })).toMatchObject({
      tellsCurrent: true,
      device: { current_release_id: null },
    })
  })
})

test('texts are cut, and hold nothing that a database cannot store', () => {
  const { event } = read({ detail: `\0${'x'.repeat(998)}😀${'y'.repeat(5_000)}`, code: 'c'.repeat(300) })
  expect(event?.detail).toBe(`\uFFFD${'x'.repeat(998)}\uFFFD`)
  expect(event?.code).toHaveLength(200)
})

test('a registration says what it knows and no more', () => {
  expect(readRegistration(APP_ID, { deviceId: 'device-1' }, NOW)).toMatchObject({ tellsCurrent: false, event: null })
  expect(readRegistration(APP_ID, { deviceId: 'device-1', currentVersion: '1.0.0' }, NOW).tellsCurrent).toBe(true)
})

test('a check becomes a row', () => {
  expect(rowOfNote(aNote({ cohorts: ['beta'], nativeVersion: undefined, at: NOW }))).toMatchObject({
    cohorts: '["beta"]',
    native_version: null,
    first_seen_at: NOW,
    last_seen_at: NOW,
  })
})

test('device ids have a length', () => {
  expect(['a', 'x'.repeat(200)].map(isDeviceId)).toEqual([true, true])
  expect(['', 'x'.repeat(201), 'a\0b', 'a\uD800'].map(isDeviceId)).toEqual([false, false, false, false])
})
