import { describe, expect, test } from 'vitest'
import { bars, curve, drawingOn, sparkline, type Drawing } from './charts.ts'
import { formatDuration, formatNumber, formatRate, formatShare, formatTime, formatTrend } from './figures.ts'

const plain = (width: number): Drawing => ({ width, paint: (text) => text })
const marked = (width: number): Drawing => ({ width, paint: (text) => `<${text}>` })

test('a sparkline', () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], plain(40))).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([0, 0], plain(40))).toBe('▁▁')
  expect(sparkline([], plain(40))).toBe('')
  expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], plain(4))).toBe('▃▅▇█')
  expect(sparkline([1], marked(40))).toBe('<█>')
})

test('bars', () => {
  const rows = [
    { label: 'offered', value: 200, text: '200' },
    { label: 'running', value: 98, text: '98' },
    { label: 'stuck', value: 0.1, text: '1' },
    { label: 'crashed', value: 0, text: '0' },
  ]
  expect(bars(rows, plain(24))).toEqual([
    'offered  200  ██████████',
    'running   98  ████▉',
    'stuck      1  ▏',
    'crashed    0',
  ])
  expect(bars([{ label: 'none', value: 0, text: '0' }], plain(24))).toEqual(['none  0'])
  expect(bars([], plain(24))).toEqual([])
  expect(bars([{ label: '\u001b[2Jevil', value: 1, text: '1' }], marked(28))).toEqual([
    '\uFFFD[2Jevil  1  <███████████████>',
  ])
})

test('a curve with its axes', () => {
  const chart = {
    values: [0, 0.25, 0.5, 1],
    top: 1,
    format: (value: number) => `${value * 100} %`,
    ends: ['01-01', '01-04'] as const,
    height: 4,
  }
  expect(curve(chart, plain(25))).toEqual([
    '100 % ┤            ████',
    '      │            ████',
    ' 50 % ┤        ████████',
    '      │    ████████████',
    '  0 % ┼────────────────',
    '       01-01      01-04',
  ])
  expect(curve({ ...chart, values: [], top: 0 }, plain(25))[0]).toBe('100 % ┤')
  expect(curve({ ...chart, values: Array(1000).fill(0.5) }, plain(40)).map((line) => line.length)).toEqual([
    7, 7, 39, 39, 39, 39,
  ])
})

describe('what charts may do', () => {
  test.each([
    ['a terminal', { isTTY: true, columns: 100 }, {}, 100, '\u001b[36mx\u001b[39m'],
    ['a terminal without colours', { isTTY: true, columns: 100 }, { NO_COLOR: '1' }, 100, 'x'],
    ['a dumb terminal', { isTTY: true, columns: 100 }, { TERM: 'dumb' }, 100, 'x'],
    ['a pipe', {}, {}, 80, 'x'],
    ['a pipe of a known width', {}, { COLUMNS: '60' }, 60, 'x'],
    ['a narrow terminal', { isTTY: true, columns: 5 }, {}, 40, '\u001b[36mx\u001b[39m'],
    ['a wide terminal', { isTTY: true, columns: 500 }, { NO_COLOR: '' }, 120, '\u001b[36mx\u001b[39m'],
    ['nonsense', {}, { COLUMNS: 'wide' }, 80, 'x'],
  ])('on %s', (_, stdout, env, width, painted) => {
    const drawing = drawingOn(stdout, env)
    expect([drawing.width, drawing.paint('x')]).toEqual([width, painted])
  })
})

test('figures as people read them', () => {
  expect([0, 0.5, 9.999, 10.4, 1234567].map(formatNumber)).toEqual(['0', '0.5', '10', '10', '1,234,567'])
  expect([null, 0, 0.001, 0.5, 1].map(formatShare)).toEqual(['-', '0.0 %', '0.10 %', '50.0 %', '100.0 %'])
  expect([null, 0, 0.123, -0.5].map(formatTrend)).toEqual(['-', '0.0 %', '+12.3 %', '-50.0 %'])
  expect([30, 3_600, 12_000, 172_800, 200_000].map(formatDuration)).toEqual([
    '1 min',
    '1 h 0 min',
    '3 h 20 min',
    '2 d 0 h',
    '2 d 7 h',
  ])
  expect(['2026-01-02T00:00:00.000Z', '2026-01-02T03:04:05.000Z'].map(formatTime)).toEqual([
    '2026-01-02',
    '2026-01-02 03:04',
  ])
  expect(formatRate({ devices: 1, share: 0.1, low: 0.05, high: 0.2 })).toBe('10.0 % (5.00 %–20.0 %)')
  expect(formatRate({ devices: 0, share: null, low: null, high: null })).toBe('-')
})
