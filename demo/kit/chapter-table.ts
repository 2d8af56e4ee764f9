import type { Chapter } from './story.ts'

const HEAD = ['what happened', 'took', 'answered', 'failed', 'longest without an answer', 'slowest answer']

/** For people: one line for each chapter. */
export function formatChapters(chapters: readonly Chapter[]): string {
  const rows = chapters.map(({ what, seconds, answered, failed, longestSilenceMs, slowestMs }) => [
    what,
    `${seconds.toFixed(1)} s`,
    String(answered),
    String(failed),
    `${longestSilenceMs.toFixed(0)} ms`,
    `${slowestMs.toFixed(0)} ms`,
  ])
  const widths = HEAD.map((head, column) => Math.max(...[head, ...rows.map((row) => row[column] ?? '')].map(lengthOf)))
  return [HEAD, ...rows]
    .map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  '))
    .join('\n')
}

const lengthOf = (text: string) => text.length

/** Figures stand to the right. */
function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width)
}
