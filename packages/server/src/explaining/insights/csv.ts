/** A table as CSV has it: the columns' names with their units, and in each row a value or nothing. */
export interface CsvTable {
  columns: readonly string[]
  rows: readonly (readonly CsvValue[])[]
}
export type CsvValue = string | number | null

/** RFC 4180, with a header row. */
export function writeCsv({ columns, rows }: CsvTable): string {
  return [columns, ...rows].map((row) => `${row.map(writeCell).join(',')}\r\n`).join('')
}

function writeCell(value: CsvValue): string {
  if (value === null) return ''
  if (typeof value === 'number') return String(value)
  // Versions and the like come from devices: a spreadsheet would run what begins like this as a formula.
  const text = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value
  // Where people write decimals with a comma, it is the semicolon that separates.
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
