import { describe, expect, test } from 'vitest'
import type { ConsentRules } from '../installation/installation.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { expectUnaskedAllowed, isWithin, localTimeOf } from './consent.ts'

type Window = ConsentRules['windows'][number]

const at = (day: number, time: string) => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return { day, minute: hours * 60 + minutes }
}
const EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
const DAY: Window = { days: EVERY_DAY, from: '09:00', to: '17:00' }
/** From Saturday evening to Sunday morning, and from Sunday evening to Monday morning. */
const NIGHT: Window = { days: [6, 7], from: '22:00', to: '04:00' }

describe('a window', () => {
  test.each([
    ['begins', DAY, at(3, '09:00'), true],
    ['has not begun', DAY, at(3, '08:59'), false],
    ['has its last minute', DAY, at(3, '16:59'), true],
    ['has ended', DAY, at(3, '17:00'), false],
    ['is of other days', { ...DAY, days: [1, 2] }, at(3, '12:00'), false],
    ['is of Sunday', { ...DAY, days: [7] }, at(7, '12:00'), true],
    ['over midnight begins on its day', NIGHT, at(6, '22:00'), true],
    ['over midnight goes on after it', NIGHT, at(7, '03:59'), true],
    ['over midnight ends', NIGHT, at(7, '04:00'), false],
    ['over midnight goes from Sunday into Monday', NIGHT, at(1, '03:00'), true],
    ['over midnight is not of the morning of its first day', NIGHT, at(6, '03:00'), false],
    ['over midnight is not of the evening after its last', NIGHT, at(1, '23:00'), false],
    ['of a whole day has no end', { ...DAY, from: '00:00', to: '00:00' }, at(2, '00:00'), true],
    ['of a whole day has no gap', { ...DAY, from: '00:00', to: '00:00' }, at(2, '23:59'), true],
  ] as [string, Window, ReturnType<typeof at>, boolean][])('%s', (_what, window, time, expected) => {
    expect(isWithin(window, time)).toBe(expected)
  })
})

/** By the clock on the wall of a machine somewhere, as `Date` has it there. */
const wallClock = (instant: string, timeZone: string) => {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(instant))
  const part = (type: string) => parts.find((each) => each.type === type)?.value ?? ''
  const day = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(part('weekday')) + 1
  return { day, minute: Number(part('hour')) * 60 + Number(part('minute')) }
}

describe('daylight saving', () => {
  const early: Window = { days: [7], from: '02:00', to: '03:00' }
  test.each([
    ['the hour that there is not: nothing is applied in it', '2026-03-29T01:30:00Z', early, false],
    ['the hour that there is twice, for the first time', '2026-10-25T00:30:00Z', early, true],
    ['the hour that there is twice, for the second time', '2026-10-25T01:30:00Z', early, true],
    ['a night that is an hour shorter ends by the clock on the wall', '2026-03-29T01:59:00Z', NIGHT, true],
    ['and not an hour later', '2026-03-29T02:00:00Z', NIGHT, false],
  ] as [string, string, Window, boolean][])('%s', (_what, instant, window, expected) => {
    expect(isWithin(window, wallClock(instant, 'Europe/Berlin'))).toBe(expected)
  })

  test('a machine says its own local time, and Sunday is the seventh day', () => {
    expect(localTimeOf(new Date(2026, 5, 7, 23, 59))).toEqual({ day: 7, minute: 23 * 60 + 59 })
    expect(localTimeOf(new Date(2026, 5, 8, 0, 0))).toEqual({ day: 1, minute: 0 })
  })
})

const planOf = (kinds: readonly string[], direction: KitPlan['direction'] = 'forward') =>
  ({ direction, steps: kinds.map((kind) => ({ component: { id: kind, kind } })) }) as unknown as KitPlan
const APPS: ConsentRules = { auto: ['app'], windows: [] }

describe('without asking', () => {
  const allow =
    (plan: KitPlan, rules: ConsentRules, time = at(3, '12:00')) =>
    () =>
      expectUnaskedAllowed(plan, rules, time)

  test('apps alone are applied, and only where the installation says so', () => {
    expect(allow(planOf(['app', 'app']), APPS)).not.toThrow()
    expect(allow(planOf(['app']), { auto: [], windows: [] })).toThrow(
      expect.objectContaining({ code: 'not-consented' }),
    )
  })

  test.each(['files', 'binary', 'template', 'migration', 'repair', 'coordinator'])(
    'a plan with %s never is',
    (kind) => {
      const refused = expect.objectContaining({ code: 'not-consented', message: expect.stringContaining(kind) })
      expect(allow(planOf(['app', kind]), APPS)).toThrow(refused)
    },
  )

  test('nobody goes back', () => {
    expect(allow(planOf(['app'], 'back'), APPS)).toThrow(expect.objectContaining({ code: 'not-consented' }))
  })

  test('only within a window, where there are any', () => {
    const rules = { ...APPS, windows: [DAY, NIGHT] }
    expect(allow(planOf(['app']), rules)).not.toThrow()
    expect(allow(planOf(['app']), rules, at(7, '01:00'))).not.toThrow()
    const outside = expect.objectContaining({
      code: 'outside-window',
      message: expect.stringContaining('22:00 to 04:00'),
    })
    expect(allow(planOf(['app']), rules, at(3, '20:00'))).toThrow(outside)
  })
})
