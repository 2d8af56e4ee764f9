import { expect, test } from 'vitest'
import { formatFindings, formatNumber, formatTable } from './table.ts'

test('a table aligns its columns', () => {
  const rows = [
    ['a', '1'],
    ['longer', '1,000'],
  ]
  const table = formatTable(['what', 'measured'], rows, [1])
  expect(table).toBe('what    measured\n------  --------\na              1\nlonger     1,000')
})

test.each([
  [23_456.7, '23,457'],
  [100, '100'],
  [12.345, '12.3'],
  [0.5, '0.50'],
])('%d is written as %s', (value, text) => {
  expect(formatNumber(value)).toBe(text)
})

test('a missed budget stands out', () => {
  const finding = { what: 'check', value: 10, unit: '/s', ratio: 0.5, budget: '>= 0.80', met: false }
  expect(formatFindings([finding])).toMatch(/check +10\.0 \/s +0\.50 +>= 0\.80 +NO$/)
})
