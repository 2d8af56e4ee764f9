import type { PlanWindow } from '@hotpatch/api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DAY_MS } from '../../ground/clock.ts'
import { canonicalTimeZone, isWithin, nextOpening } from './time-windows.ts'

const STEP_MS = 7 * DAY_MS
const WORKDAYS = [1, 2, 3, 4, 5]
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]

const windowOf = (timeZone: string, days: number[], from: string, to: string): PlanWindow => ({
  timeZone,
  days,
  from,
  to,
})
const opening = (windows: PlanWindow[], now: string) => {
  const at = nextOpening(windows, Date.parse(now))
  return at === undefined ? undefined : new Date(at).toISOString().replace(':00.000Z', 'Z')
}

describe('a window', () => {
  // 2027-01-01 is a Friday.
  const office = windowOf('Europe/Berlin', WORKDAYS, '09:00', '17:00')
  const night = windowOf('Europe/Berlin', [5], '22:00', '02:00')
  const kolkata = windowOf('Asia/Kolkata', WORKDAYS, '09:30', '18:00')
  const newYork = windowOf('America/New_York', WORKDAYS, '09:00', '17:00')
  const allDay = windowOf('UTC', [7], '00:00', '24:00')

  test.each<[string, PlanWindow[], string, boolean]>([
    ['no window at all is always open', [], '2027-01-03T03:00Z', true],
    ['its first minute is in it', [office], '2027-01-01T08:00Z', true],
    ['the second before is not', [office], '2027-01-01T07:59:59Z', false],
    ['its last second is in it', [office], '2027-01-01T15:59:59Z', true],
    ['its end is not', [office], '2027-01-01T16:00Z', false],
    ['another day is not', [office], '2027-01-02T10:00Z', false],
    ['in summer it is an hour earlier', [office], '2027-07-01T07:00Z', true],
    ['in summer its end is earlier too', [office], '2027-07-01T15:00Z', false],
    ['over midnight, before midnight', [night], '2027-01-01T21:30Z', true],
    ['over midnight, after midnight it is of the day before', [night], '2027-01-02T00:30Z', true],
    ['over midnight, after its end', [night], '2027-01-02T01:00Z', false],
    ['over midnight, in the morning of its own day', [night], '2027-01-01T00:30Z', false],
    ['half hours of a zone', [kolkata], '2027-01-01T04:00Z', true],
    ['half hours of a zone, before', [kolkata], '2027-01-01T03:59Z', false],
    ['the zone says which day it is', [newYork], '2027-01-02T00:30Z', false],
    ['one of several is enough', [office, newYork], '2027-01-01T20:00Z', true],
    ['a whole day, its last minute', [allDay], '2027-01-03T23:59:59Z', true],
    ['a whole day, the next', [allDay], '2027-01-04T00:00Z', false],
    // The night from 27 to 28 March 2027 has no 02:00 to 03:00 in Berlin.
    [
      'a window in hours that are left out',
      [windowOf('Europe/Berlin', [7], '02:00', '03:00')],
      '2027-03-28T01:00Z',
      false,
    ],
    ['half of it is left out', [windowOf('Europe/Berlin', [7], '02:30', '04:00')], '2027-03-28T01:00Z', true],
    // That from 30 to 31 October has it twice.
    [
      'hours that come twice, the first time',
      [windowOf('Europe/Berlin', [7], '02:00', '03:00')],
      '2027-10-31T00:30Z',
      true,
    ],
    ['hours that come twice, again', [windowOf('Europe/Berlin', [7], '02:00', '03:00')], '2027-10-31T01:30Z', true],
    [
      'hours that come twice, after both',
      [windowOf('Europe/Berlin', [7], '02:00', '03:00')],
      '2027-10-31T02:00Z',
      false,
    ],
  ])('%s', (_case, windows, now, expected) => {
    expect(isWithin(windows, Date.parse(now))).toBe(expected)
  })

  test.each<[string, PlanWindow[], string, string | undefined]>([
    ['now, when it is open', [office], '2027-01-01T09:17Z', '2027-01-01T09:17Z'],
    ['later today', [office], '2027-01-01T03:00Z', '2027-01-01T08:00Z'],
    ['after the weekend', [office], '2027-01-01T16:00Z', '2027-01-04T08:00Z'],
    ['to the minute, whatever the second', [office], '2027-01-01T16:00:31Z', '2027-01-04T08:00Z'],
    ['tonight', [night], '2027-01-01T12:00Z', '2027-01-01T21:00Z'],
    ['in a week, when it has just closed', [night], '2027-01-02T01:00Z', '2027-01-08T21:00Z'],
    ['of the first of several', [office, newYork], '2027-01-01T22:00Z', '2027-01-04T08:00Z'],
    ['with half hours', [kolkata], '2027-01-01T13:00Z', '2027-01-04T04:00Z'],
    // Clocks go forward on Sunday 28 March 2027 in Berlin, on Sunday 14 March in New York.
    ['after the change to summer, Berlin', [office], '2027-03-26T18:00Z', '2027-03-29T07:00Z'],
    ['after the change to summer, New York', [newYork], '2027-03-12T23:00Z', '2027-03-15T13:00Z'],
    ['after the change to winter, Berlin', [office], '2027-10-29T18:00Z', '2027-11-01T08:00Z'],
    ['after the change to winter, New York', [newYork], '2027-11-05T22:00Z', '2027-11-08T14:00Z'],
    [
      'when its first half is left out',
      [windowOf('Europe/Berlin', [7], '02:30', '04:00')],
      '2027-03-27T12:00Z',
      '2027-03-28T01:00Z',
    ],
    [
      'a week later, when all of it is left out',
      [windowOf('Europe/Berlin', [7], '02:00', '03:00')],
      '2027-03-27T12:00Z',
      '2027-04-04T00:00Z',
    ],
    [
      'never within eight days, when the only one is left out',
      [windowOf('Europe/Berlin', [7], '02:00', '03:00')],
      '2027-03-21T04:00Z',
      undefined,
    ],
    [
      'the first of an hour that comes twice',
      [windowOf('America/New_York', [7], '01:00', '02:00')],
      '2027-11-06T12:00Z',
      '2027-11-07T05:00Z',
    ],
    [
      'the second of an hour that comes twice',
      [windowOf('America/New_York', [7], '01:00', '01:30')],
      '2027-11-07T05:45Z',
      '2027-11-07T06:00Z',
    ],
  ])('opens next %s', (_case, windows, now, expected) => {
    expect(opening(windows, now)).toBe(expected)
  })

  const time = fc.integer({ min: 0, max: 24 * 60 - 1 }).map((minutes) => {
    const two = (value: number) => String(value).padStart(2, '0')
    return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
  })
  const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Africa/Casablanca', 'UTC']
  const anyWindow = fc
    .record({
      timeZone: fc.constantFrom(...zones),
      days: fc.uniqueArray(fc.constantFrom(...EVERY_DAY), { minLength: 1, maxLength: 7 }),
      from: time,
      to: time,
    })
    .filter(({ from, to }) => from !== to)
  const anyTime = fc.integer({ min: Date.parse('2027-01-01'), max: Date.parse('2029-01-01') })

  test('is open when it opens, was not open from now to then, and opens within eight days', () => {
    fc.assert(
      fc.property(fc.array(anyWindow, { minLength: 1, maxLength: 3 }), anyTime, (windows, now) => {
        const at = nextOpening(windows, now)
        const end = at ?? now + 8 * DAY_MS
        expect(end).toBeGreaterThanOrEqual(now)
        expect(end - now).toBeLessThanOrEqual(8 * DAY_MS)
        if (at !== undefined) expect(isWithin(windows, at)).toBe(true)
        if (at !== undefined && at > now) expect(isWithin(windows, at - 1)).toBe(false)
        for (let probe = now; probe < end; probe += 37 * 60_000) {
          expect(isWithin(windows, probe) && probe < end).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })
})

test('clocks change on a quarter of an hour everywhere', () => {
  const changes = Intl.supportedValuesOf('timeZone').flatMap((timeZone) => {
    const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' })
    const offset = (at: number) => format.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value
    const found: number[] = []
    for (let day = Date.parse('2027-01-01'); day < Date.parse('2028-01-01'); day += STEP_MS) {
      if (offset(day) === offset(day + STEP_MS)) continue
      let [low, high] = [day, day + STEP_MS]
      while (high - low > 1) {
        const middle = Math.floor((low + high) / 2)
        if (offset(middle) === offset(day)) low = middle
        else high = middle
      }
      found.push(high)
    }
    return found
  })
  expect(changes.length).toBeGreaterThan(100)
  expect(changes.filter((at) => at % (15 * 60_000) !== 0)).toEqual([])
})

test.each([
  ['Europe/Berlin', 'Europe/Berlin'],
  ['europe/berlin', 'Europe/Berlin'],
  ['UTC', 'UTC'],
  ['+01:00', undefined],
  ['Europe/Atlantis', undefined],
  ['', undefined],
  ['constructor', undefined],
])('the time zone %j is %j', (name, expected) => {
  expect(canonicalTimeZone(name)).toBe(expected)
})
