import type { Page } from '@hotpatch/api'
import Table from 'cli-table3'
import type { CliContext } from '../context.ts'
import { formatValue, printable } from './text.ts'

export type Row = readonly unknown[]
export type Output = ReturnType<typeof createOutput>

const LINES = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
const BORDERS = [...LINES, 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid']
const COLUMNS_ONLY = { ...Object.fromEntries(BORDERS.map((border) => [border, ''])), middle: '  ' }

/** Results go to stdout: one JSON value, or what a person reads. All else goes to stderr. */
export function createOutput({ stdout, stderr }: Pick<CliContext, 'stdout' | 'stderr'>, isJson: boolean) {
  function notice(text: string) {
    stderr.write(`${printable(text)}\n`)
  }

  /** `show` prints the same for a person. */
  function result(value: unknown, show: () => void) {
    if (isJson) stdout.write(`${JSON.stringify(value, null, 2)}\n`)
    else show()
  }

  function line(text: string) {
    stdout.write(`${printable(text)}\n`)
  }

  function table(head: readonly string[], rows: readonly Row[]) {
    stdout.write(`${renderTable([head, ...rows])}\n`)
  }

  /** Name and value, one under the other. */
  function fields(values: Record<string, unknown>) {
    stdout.write(`${renderTable(Object.entries(values))}\n`)
  }

  /** A list: the page as the API has it, or these fields of its items. `shown` stands in for items that read badly. */
  function page<Item>(
    found: Page<Item>,
    columns: readonly (keyof Item & string)[],
    shown: readonly Item[] = found.items,
  ) {
    const rows = shown.map((item) => columns.map((column) => item[column]))
    result(found, () => {
      if (rows.length === 0) notice('None.')
      else table(columns, rows)
      if (found.nextCursor !== null) notice(`There are more: --cursor ${found.nextCursor}`)
    })
  }

  return { isJson, notice, result, line, table, fields, page }
}

function renderTable(rows: readonly Row[]): string {
  const table = new Table({
    chars: COLUMNS_ONLY,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  table.push(...rows.map((row) => row.map(formatValue)))
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}
