import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeCsv } from './csv.ts'

test('is RFC 4180 with a header row', () => {
  expect(
    writeCsv({
      columns: ['at', 'devices'],
      rows: [
        ['2026-01-01', 1],
        [null, 0.5],
      ],
    }),
  ).toBe('at,devices\r\n2026-01-01,1\r\n,0.5\r\n')
  expect(writeCsv({ columns: ['a'], rows: [['say "no", please\r\nnow']] })).toBe('a\r\n"say ""no"", please\r\nnow"\r\n')
})

test.each(['=1+1', '+1', '-1', '@sum(a1)', '\t=1', '\r=1', '\n=1', '＝1'])('%j from a device is no formula', (text) => {
  const cell = writeCsv({ columns: ['a'], rows: [[text]] }).slice(3)
  expect(cell.replace('"', '')).toMatch(/^'/)
})

test('a text has no cell of its own behind its semicolon', () => {
  expect(writeCsv({ columns: ['a'], rows: [['1.0;=1+1']] })).toBe('a\r\n"1.0;=1+1"\r\n')
})

test('a number below zero stays one', () => {
  expect(writeCsv({ columns: ['a'], rows: [[-5]] })).toBe('a\r\n-5\r\n')
})

test('whatever is written can be read again', () => {
  const cell = fc.string({ unit: 'grapheme' }).filter((text) => !/^[=+\-@\t\r\n＝＋－＠]/.test(text))
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
      const text = writeCsv({ columns: ['a', 'b'], rows })
      expect(parse(text, { record_delimiter: '\r\n' })).toEqual([['a', 'b'], ...rows])
    }),
  )
})
