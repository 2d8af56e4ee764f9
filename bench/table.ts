import type { Finding } from './finding.ts'

/** Columns as wide as they must be; numbers to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[], right: readonly number[]) {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0
        return right.includes(column) ? cell.padStart(width) : cell.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

export function formatFindings(findings: readonly Finding[]): string {
  const rows = findings.map(({ what, value, unit, ratio, spread, comparedWith, budget, met }) => [
    what,
    value === undefined ? 'not measured' : `${formatNumber(value)} ${unit}`,
    ratio === undefined ? '' : ratio.toFixed(2),
    spread ? `${spread[0].toFixed(2)}–${spread[1].toFixed(2)}` : '',
    comparedWith ?? '',
    budget ?? '',
    met === undefined ? '' : met ? 'yes' : 'NO',
  ])
  return formatTable(['what', 'measured', 'ratio', 'spread', 'to', 'budget', 'met'], rows, [1, 2])
}

/** Three digits are all that such measurements are good for. */
export function formatNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2)
}
