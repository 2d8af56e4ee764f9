import Table from 'cli-table3'
import { formatValue } from './text.ts'

export type Row = readonly unknown[]

const LINES = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
const BORDERS = [...LINES, 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid']
const GAP = 2
const COLUMNS_ONLY = { ...Object.fromEntries(BORDERS.map((border) => [border, ''])), middle: ' '.repeat(GAP) }
/** Below it, words beside a name are no longer read but spelled. */
const MIN_TEXT_WIDTH = 24

/**
 * Rows under their head. What a narrow terminal has no room for, such as the id at the end, comes under its row:
 * lines that the terminal breaks are hard to read. A pipe has all the width it wants.
 */
export function renderTable(head: readonly string[], rows: readonly Row[], width = Infinity): string {
  const cells = [head, ...rows.map((row) => row.map(formatValue))]
  const fitting = columnsThatFit(cells, width)
  if (fitting === head.length) return renderGrid(cells)
  const lines = renderGrid(cells.map((row) => row.slice(0, fitting))).split('\n')
  const below = cells.slice(1).map((row) =>
    row
      .slice(fitting)
      .map((cell, index) => [head[fitting + index] ?? '', cell] as const)
      .filter(([, cell]) => cell !== '-')
      .map(([name, cell]) => `${name} ${cell}`),
  )
  // A value with a line break would make a row more than one line: then its rest comes under the wrong one.
  const isOneLineEach = lines.length === cells.length
  return isOneLineEach
    ? lines.flatMap((line, index) => [line, ...joined(below[index - 1] ?? [], width)]).join('\n')
    : renderGrid(cells)
}

/** Name and value, one under the other; in a terminal, words stay beside their name. */
export function renderFields(entries: readonly (readonly [string, unknown])[], width = Infinity): string {
  const room = width - GAP - Math.max(...entries.map(([name]) => name.length), 0)
  const valueOf = (value: unknown) => (room < MIN_TEXT_WIDTH ? formatValue(value) : wrap(formatValue(value), room))
  return renderGrid(entries.map(([name, value]) => [name, valueOf(value)]))
}

/** As many on a line as fit. */
function joined(parts: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + GAP + part.length <= width) lines[lines.length - 1] = `${last}  ${part}`
    else lines.push(`  ${part}`)
  }
  return lines
}

function columnsThatFit(cells: readonly (readonly string[])[], width: number): number {
  let [used, fitting] = [0, 0]
  for (const column of cells[0]?.keys() ?? []) {
    used += Math.max(...cells.map((row) => row[column]?.length ?? 0)) + (column > 0 ? GAP : 0)
    if (used > width) break
    fitting = column + 1
  }
  return Math.max(fitting, 1)
}

/** Breaks between words only: ids, addresses and keys are there to be copied. */
function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => {
      const lines: string[] = []
      for (const word of line.split(' ')) {
        const last = lines.at(-1)
        if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
        else lines.push(word)
      }
      return lines.join('\n')
    })
    .join('\n')
}

function renderGrid(rows: readonly (readonly string[])[]): string {
  const table = new Table({
    chars: COLUMNS_ONLY,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
