import type { Writable } from 'node:stream'
import type { Page } from '@hotpatch/api'
import type { CliContext } from '../process/context.ts'
import { drawingOn } from './charts.ts'
import { renderFields, renderTable, type Row } from './tables.ts'
import { printable } from './text.ts'

export type Output = ReturnType<typeof createOutput>

/** Results go to stdout: one JSON value, or what a person reads. All else goes to stderr. */
export function createOutput(
  { stdout, stderr, env = {} }: Pick<CliContext, 'stdout' | 'stderr'> & Partial<Pick<CliContext, 'env'>>,
  isJson: boolean,
) {
  const terminal = stdout as Writable & { isTTY?: boolean; columns?: number }

  /** Of a terminal, in columns: it may change at any time. */
  const width = () => (terminal.isTTY ? terminal.columns : undefined)

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

  /** What charts drew: they made it printable themselves, and have coloured it since. */
  function drawn(lines: readonly string[]) {
    stdout.write(lines.map((line) => `${line}\n`).join(''))
  }

  /** A file's content: exactly as it is, unless somebody reads it here. */
  function text(content: string) {
    stdout.write(terminal.isTTY ? printable(content.replaceAll('\r\n', '\n')) : content)
  }

  function table(head: readonly string[], rows: readonly Row[]) {
    stdout.write(`${renderTable(head, rows, width())}\n`)
  }

  /** Name and value, one under the other. */
  function fields(values: Record<string, unknown>) {
    stdout.write(`${renderFields(Object.entries(values), width())}\n`)
  }

  /** A list: the page as the API has it, or these fields of its items. `shown` stands in for items that read badly. */
  function page<Item, Shown = Item>(
    found: Page<Item>,
    columns: readonly (keyof Shown & string)[],
    shown?: readonly Shown[],
  ): void
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

  return { isJson, drawing: drawingOn(terminal, env), notice, result, line, drawn, text, table, fields, page }
}
