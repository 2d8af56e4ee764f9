import { styleText } from 'node:util'

const BAR = 40
const BLOCKS = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█']

/** Seconds since the beginning, and a line of the story. */
export function tell(startedAt: number, text: string): void {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(0).padStart(3)
  process.stdout.write(`${styleText('dim', `${seconds} s`)}  ${text}\n`)
}

/** Which versions the phones run, as one line of bars. */
export function chart(counts: Readonly<Record<string, number>>, total: number): string {
  return Object.entries(counts)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([version, count]) => `${version} ${styleText(colourOf(version), bar(count, total))} ${count}`)
    .join('   ')
}

function bar(count: number, total: number): string {
  const eighths = Math.round((count / total) * BAR * 8)
  const rest = BLOCKS[(eighths % 8) - 1] ?? ''
  return '█'.repeat(Math.floor(eighths / 8)) + rest
}

function colourOf(version: string) {
  if (version === '1.2.0') return 'red'
  return version === 'embedded' ? 'gray' : 'green'
}
