import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import { readGuardLimit, readGuardSample, readGuardTimes, readGuardWindow } from './guard-readers.ts'

describe.each<[name: string, read: (text: string) => unknown, taken: [string, unknown][], refused: string[]]>([
  [
    'a limit',
    readGuardLimit,
    [
      ['2%', 2],
      ['2 %', 2],
      ['0.5', 0.5],
      ['100', 100],
    ],
    ['0', '0%', '101', '-1', 'two', '', '%'],
  ],
  [
    'a sample',
    readGuardSample,
    [
      ['10', 10],
      ['1000000', 1_000_000],
    ],
    ['9', '1000001', '10.5', '', '1e3'],
  ],
  [
    'a window',
    readGuardWindow,
    [
      ['24h', 24],
      ['24', 24],
      ['3d', 72],
      ['30d', 720],
    ],
    ['0h', '31d', '721', '1w', '', 'd'],
  ],
  [
    'times',
    readGuardTimes,
    [
      ['2', 2],
      ['1.5', 1.5],
      ['off', 'off'],
    ],
    ['0.5', '0', '1001', '', 'no'],
  ],
])('%s', (_name, read, taken, refused) => {
  test.each(taken)('%s is %s', (text, value) => expect(read(text)).toBe(value))
  test.each(refused)('%j is refused', (text) => expect(() => read(text)).toThrow(InvalidArgumentError))
})
