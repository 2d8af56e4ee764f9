import { printable } from './text.ts'

/** Colours what is drawn, or leaves it. */
export type Paint = (text: string) => string

export interface Drawing {
  /** Of the terminal, in columns. */
  width: number
  paint: Paint
}

const RISING = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const GROWING = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const EIGHTHS = 8
const MIN_WIDTH = 40
const MAX_WIDTH = 120
const DEFAULT_WIDTH = 80

/** What charts may do on this output: a pipe gets neither colours nor more columns than anybody has. */
export function drawingOn(
  stdout: object & { isTTY?: boolean; columns?: number },
  env: Readonly<Record<string, string | undefined>>,
): Drawing {
  const columns = stdout.columns ?? (Number(env.COLUMNS) || DEFAULT_WIDTH)
  const isPlain = !stdout.isTTY || Boolean(env.NO_COLOR) || env.TERM === 'dumb'
  return {
    width: Math.min(Math.max(Math.floor(columns), MIN_WIDTH), MAX_WIDTH),
    paint: isPlain ? (text) => text : (text) => `\u001b[36m${text}\u001b[39m`,
  }
}

/** One character for each value, or for as many values as share a column. */
export function sparkline(values: readonly number[], { width, paint }: Drawing): string {
  const columns = resample(values, width)
  const highest = Math.max(...columns, 0)
  return paint(columns.map((value) => (highest > 0 ? levelOf(value / highest) : RISING[0])).join(''))
}

function levelOf(share: number): string {
  return RISING[Math.min(EIGHTHS - 1, Math.floor(share * EIGHTHS))] ?? ''
}

export interface Bar {
  label: string
  value: number
  /** What stands for the value in words. */
  text: string
}

/** A bar for each, as long as its value beside the highest. */
export function bars(rows: readonly Bar[], { width, paint }: Drawing): string[] {
  const labels = rows.map(({ label }) => printable(label))
  const labelWidth = Math.max(...labels.map((label) => label.length), 0)
  const textWidth = Math.max(...rows.map(({ text }) => text.length), 0)
  const room = Math.max(8, width - labelWidth - textWidth - 4)
  const highest = Math.max(...rows.map(({ value }) => value), 0)
  return rows.map(({ value, text }, index) => {
    const eighths = highest > 0 ? Math.round((value / highest) * room * EIGHTHS) : 0
    // What is not nothing is seen.
    const length = value > 0 ? Math.max(1, eighths) : 0
    const bar = '█'.repeat(Math.floor(length / EIGHTHS)) + GROWING[length % EIGHTHS]
    return `${(labels[index] ?? '').padEnd(labelWidth)}  ${text.padStart(textWidth)}  ${paint(bar)}`.trimEnd()
  })
}

export interface Curve {
  values: readonly number[]
  /** At the top of the axis; the highest value when absent. */
  top?: number
  /** Of values at the axis. */
  format(value: number): string
  /** Under the first and the last value. */
  ends: readonly [string, string]
  height?: number
}

/** Values over time, filled down to the axis. */
export function curve({ values, top, format, ends, height = 8 }: Curve, { width, paint }: Drawing): string[] {
  // An axis of nothing goes up to one.
  const highest = (top ?? Math.max(...values, 0)) || 1
  const marks = new Map([
    [0, format(highest)],
    [height / 2, format(highest / 2)],
    [height, format(0)],
  ])
  const axis = Math.max(...[...marks.values()].map((mark) => mark.length))
  const columns = stretch(resample(values, width - axis - 3), width - axis - 3)
  const rows = Array.from({ length: height }, (_, row) => {
    const filled = columns.map((value) => cellOf((value / highest) * height - (height - 1 - row))).join('')
    const mark = (marks.get(row) ?? '').padStart(axis)
    return `${mark} ${marks.has(row) ? '┤' : '│'}${paint(filled)}`.trimEnd()
  })
  const line = `${(marks.get(height) ?? '').padStart(axis)} ┼${'─'.repeat(columns.length)}`
  const [first, last] = ends
  const gap = Math.max(1, columns.length - first.length - last.length)
  return [...rows, line, `${' '.repeat(axis + 2)}${first}${' '.repeat(gap)}${last}`]
}

/** How much of a row is filled: all of it from 1 on. */
function cellOf(filled: number): string {
  const eighths = Math.round(Math.min(Math.max(filled, 0), 1) * EIGHTHS)
  return eighths === 0 ? ' ' : (RISING[eighths - 1] ?? '')
}

/**
 * At most so many values. Of several that fall into one place the last is shown: of a running sum that is the one that
 * counts.
 */
function resample(values: readonly number[], columns: number): number[] {
  if (values.length <= columns) return [...values]
  return Array.from({ length: columns }, (_, column) => {
    const end = Math.ceil(((column + 1) * values.length) / columns)
    return values[end - 1] ?? 0
  })
}

/** A few values take several columns each. */
function stretch(values: readonly number[], columns: number): number[] {
  const each = Math.max(1, Math.min(8, Math.floor(columns / Math.max(values.length, 1))))
  return values.flatMap((value) => Array<number>(each).fill(value))
}
