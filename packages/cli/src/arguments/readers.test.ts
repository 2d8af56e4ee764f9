import { InvalidArgumentError } from 'commander'
import { describe, expect, test } from 'vitest'
import {
  readBoolean,
  readChannel,
  readLimit,
  readMomentToCome,
  readNativeRange,
  readNativeVersion,
  readPercentage,
  readPlatform,
  readPlatforms,
  readPublicKey,
  readRetention,
  readTimestamp,
  readVersion,
} from './readers.ts'

const cases: [read: (text: string) => unknown, good: [string, unknown][], bad: string[]][] = [
  [
    readVersion,
    [
      ['1.2.0', '1.2.0'],
      ['1.0.0-rc.1+45', '1.0.0-rc.1+45'],
    ],
    ['', ' 1', '-1', '1/2', '1'.repeat(51), 'embedded'],
  ],
  [
    readPercentage,
    [
      ['0', 0],
      ['100', 100],
      ['0.01', 0.01],
      ['12.5', 12.5],
      ['99.99', 99.99],
      ['10%', 10],
      ['0.5 %', 0.5],
    ],
    ['', '-1', '100.01', '101', '0.001', '1e1', 'ten', '10%%', '10  %', ' 10', '.5', 'Infinity', 'NaN'],
  ],
  [
    readBoolean,
    [
      ['true', true],
      ['false', false],
    ],
    ['', 'yes', '1', 'TRUE'],
  ],
  [
    readPlatform,
    [
      ['android', 'android'],
      ['ios', 'ios'],
    ],
    ['', 'Android', 'symbian', 'constructor'],
  ],
  [readPlatforms, [['android, ios,android', ['android', 'ios']]], ['', 'android,', 'android,symbian']],
  [
    readChannel,
    [
      ['production', 'production'],
      ['beta-2.x_y', 'beta-2.x_y'],
    ],
    ['', 'Production', '../x', '-a', 'a'.repeat(64)],
  ],
  [
    readNativeVersion,
    [
      ['2.1', '2.1'],
      ['2.1.0+45', '2.1.0+45'],
    ],
    ['', 'two', '1.2.3.4.5'],
  ],
  [readNativeRange, [['>=2.1 <4', '>=2.1 <4']], ['', '>=1.2.3.4.5', 'latest']],
  [
    readLimit,
    [
      ['1', 1],
      ['200', 200],
    ],
    ['0', '201', '-1', '1.5', 'all'],
  ],
  [
    readRetention,
    [
      ['1', 1],
      ['3650', 3650],
    ],
    ['0', '3651', '1.5', '-1', 'forever'],
  ],
  [readPublicKey, [[`${'A'.repeat(43)}=`, `${'A'.repeat(43)}=`]], ['', 'A'.repeat(44), 'ssh-ed25519 AAAA']],
  [
    readTimestamp,
    [
      ['2030-01-31', '2030-01-31T00:00:00.000Z'],
      ['2030-01-31T12:00+02:00', '2030-01-31T10:00:00.000Z'],
    ],
    ['', 'tomorrow', '2030-13-01', '2030-01-31T12:00'],
  ],
]

describe.each(cases)('%o', (read, good, bad) => {
  test.each(good)('reads %j', (text, value) => expect(read(text)).toEqual(value))
  test.each(bad)('refuses %j', (text) => expect(() => read(text)).toThrow(InvalidArgumentError))
})

test('a moment to come is a time, or how long from now', () => {
  const now = new Date('2030-01-01T12:00:00Z')
  const read = (text: string) => readMomentToCome(text, now)
  expect(read('30d')).toBe('2030-01-31T12:00:00.000Z')
  expect(read('1w2d3h')).toBe('2030-01-10T15:00:00.000Z')
  expect(read('2031-02-03')).toBe('2031-02-03T00:00:00.000Z')
  for (const bad of ['', '30', 'd', '30 d', '-1d', '1m', '99999d', 'soon']) {
    expect(() => read(bad)).toThrow(InvalidArgumentError)
  }
})
