import { describe, expect, test } from 'vitest'
import { createCollector } from '../testing/run-tool.ts'
import { createOutput } from './output.ts'
import { formatBytes, formatValue, printable } from './text.ts'

function createTestOutput(isJson: boolean, columns?: number) {
  const stdout = Object.assign(createCollector(), columns !== undefined && { isTTY: true, columns })
  const stderr = createCollector()
  return { ...createOutput({ stdout, stderr }, isJson), texts: () => [stdout.text(), stderr.text()] }
}

const page = { items: [{ id: '1', name: 'a', tags: ['x', 'y'] }], nextCursor: 'abc' }

describe('output', () => {
  test('is a table for people, with the way on beside it', () => {
    const output = createTestOutput(false)
    output.page(page, ['name', 'tags'])
    expect(output.texts()).toEqual(['name  tags\na     x, y\n', 'There are more: --cursor abc\n'])
  })

  test('is the API’s own page for programs', () => {
    const output = createTestOutput(true)
    output.page(page, ['name'])
    const [stdout, stderr] = output.texts()
    expect(JSON.parse(stdout ?? '')).toEqual(page)
    expect(stderr).toBe('')
  })

  test('of an empty list is empty', () => {
    const output = createTestOutput(false)
    output.page({ items: [], nextCursor: null }, [])
    expect(output.texts()).toEqual(['', 'None.\n'])
  })

  test('in a narrow terminal puts what has no room under its row', () => {
    const output = createTestOutput(false, 20)
    const items = [
      { name: 'a', state: 'active', id: '0123456789' },
      { name: 'b', state: null, id: '9876543210' },
    ]
    output.page({ items, nextCursor: null }, ['name', 'state', 'id'])
    expect(output.texts()[0]).toBe(
      ['name  state', 'a     active', '  id 0123456789', 'b     -', '  id 9876543210', ''].join('\n'),
    )
  })

  test('in a terminal keeps words beside their name, and never breaks one', () => {
    const output = createTestOutput(false, 40)
    output.fields({ guard: 'rolls it back when more than 2 % are bad', id: 'a'.repeat(50) })
    expect(output.texts()[0]).toBe(
      ['guard  rolls it back when more than 2 %', '       are bad', `id     ${'a'.repeat(50)}`, ''].join('\n'),
    )
  })

  test('cannot steer the terminal, whatever a device calls itself', () => {
    const output = createTestOutput(false)
    output.fields({ id: '\u001b[2Jevil\u009b31m', missing: null, yes: true })
    expect(output.texts()[0]).toBe('id       \uFFFD[2Jevil\uFFFD31m\nmissing  -\nyes      yes\n')
  })
})

test('texts', () => {
  expect(printable('a\nb\tc\r\u202e')).toBe('a\nb\tc\uFFFD\uFFFD')
  expect([0, 999, 1000, 1_500_000, 52_428_800, 2e9, 5e12].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.00 kB',
    '1.50 MB',
    '52.4 MB',
    '2.00 GB',
    '5000.0 GB',
  ])
  expect(formatValue({ minNativeVersion: '2.1', nativeRange: undefined })).toBe('minNativeVersion 2.1, nativeRange -')
  expect(formatValue({})).toBe('-')
})
