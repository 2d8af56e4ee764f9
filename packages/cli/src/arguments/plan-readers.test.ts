import type { PlanStep } from '@hotpatch/api'
import fc from 'fast-check'
import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { formatMinutes, formatWindow, readPlanSteps, readPlanWindow } from './plan-readers.ts'

describe('the steps of a plan', () => {
  test.each<[string, PlanStep[]]>([
    [
      '1%:1h:50,10%:4h,50%:1d,100%',
      [
        { percentage: 1, bakeMinutes: 60, minimumSample: 50 },
        { percentage: 10, bakeMinutes: 240 },
        { percentage: 50, bakeMinutes: 1440 },
        { percentage: 100, bakeMinutes: 0 },
      ],
    ],
    ['100', [{ percentage: 100, bakeMinutes: 0 }]],
    [
      '0.5:90m, 33.33%:1d12h:7',
      [
        { percentage: 0.5, bakeMinutes: 90 },
        { percentage: 33.33, bakeMinutes: 2160, minimumSample: 7 },
      ],
    ],
    [
      '0%:0m:3,5%:1w',
      [
        { percentage: 0, bakeMinutes: 0, minimumSample: 3 },
        { percentage: 5, bakeMinutes: 10_080 },
      ],
    ],
  ])('reads %j', (text, steps) => expect(readPlanSteps(text)).toEqual(steps))

  test.each([
    ['', 'such as 10%:4h'],
    ['10%,', 'such as 10%:4h'],
    ['ten%:1h', 'such as 10%:4h'],
    ['10%:1h:50:3', 'such as 10%:4h'],
    ['10%:-1h', 'such as 10%:4h'],
    ['10%::50', 'such as 10%:4h'],
    ['101%', '0 to 100'],
    ['1.234%', 'steps of 0.01'],
    ['1%:60', 'such as 30m'],
    ['1%:h', 'such as 30m'],
    ['1%:91d', 'at most 90 days'],
    ['10%:1h,10%:1h', 'rising percentages, found 10 % after 10 %'],
    ['10%,5%', 'rising percentages, found 5 % after 10 %'],
    [Array.from({ length: 21 }, (_, index) => `${index + 1}%`).join(), 'at most 20'],
  ])('refuses %j, and says why', (text, why) => {
    expect(() => readPlanSteps(text)).toThrow(InvalidArgumentError)
    expect(() => readPlanSteps(text)).toThrow(why)
  })
})

describe('the window of a plan', () => {
  test.each<[string, number[], string?]>([
    ['Mon-Fri 09:00-17:00 Europe/Berlin', [1, 2, 3, 4, 5]],
    ['mon,wed-thu 22:00-02:00 America/New_York', [1, 3, 4], 'Mon,Wed-Thu 22:00-02:00 America/New_York'],
    ['daily 00:00-24:00 UTC', [1, 2, 3, 4, 5, 6, 7]],
    ['Sat-Mon 08:00-10:00 Asia/Kolkata', [1, 6, 7], 'Mon,Sat-Sun 08:00-10:00 Asia/Kolkata'],
  ])('reads %j, and writes it again', (text, days, again = text) => {
    const [window] = readPlanWindow(text)
    expect(window?.days).toEqual(days)
    expect(window && formatWindow(window)).toBe(again)
  })

  test('may be one of several', () => {
    const first = readPlanWindow('Mon 09:00-17:00 UTC')
    expect(readPlanWindow('Sun 10:00-12:00 UTC', first).map(({ days }) => days)).toEqual([[1], [7]])
  })

  test.each([
    ['', 'Mon-Fri 09:00-17:00'],
    ['Mon-Fri 9-17 UTC', 'Mon-Fri 09:00-17:00'],
    ['Mon-Fri 09:00-17:00', 'Mon-Fri 09:00-17:00'],
    ['Mon-Fri 09:00-25:00 UTC', 'hours such as'],
    ['Mon-Fri 24:00-09:00 UTC', 'hours such as'],
    ['Mon-Fri 09:00-09:00 UTC', 'hours such as'],
    ['Someday 09:00-17:00 UTC', 'days such as'],
    ['Mon-Tue-Wed 09:00-17:00 UTC', 'days such as'],
    ['Mon 09:00-17:00 Europe/Atlantis', 'time zone such as'],
    ['Mon 09:00-17:00 +01:00', 'Mon-Fri 09:00-17:00'],
  ])('refuses %j, and says why', (text, why) => {
    expect(() => readPlanWindow(text)).toThrow(InvalidArgumentError)
    expect(() => readPlanWindow(text)).toThrow(why)
  })
})

test('a time is written as it is read', () => {
  expect([0, 59, 60, 1500, 1440].map(formatMinutes)).toEqual(['0m', '59m', '1h', '1d1h', '1d'])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 129_600 }), (minutes) => {
      expect(readPlanSteps(`1%:${formatMinutes(minutes)}`)[0]?.bakeMinutes).toBe(minutes)
    }),
  )
})
