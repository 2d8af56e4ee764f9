import type { FleetFigures } from '@hotpatch/simulator'
import { Presets, SingleBar } from 'cli-progress'
import type { CliContext } from '../process/context.ts'
import { printable } from '../output/text.ts'

const BAR = 20
const SHOWN_AFTER_MS = 1000
const UPDATE_MS = 200
const BLOCKS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
/** Versions with a bar of their own. */
const MAX_VERSIONS = 5

/** How far the simulation is, and who runs what, in one line, while somebody watches. */
export function createFleetProgress({ stderr, isTTY, now }: CliContext, minutes: number) {
  const startedAt = now().getTime()
  let bar: SingleBar | undefined
  let updatedAt = 0

  return {
    advanceTo(doneMinutes: number, figures: () => FleetFigures) {
      const time = now().getTime()
      if (!isTTY || time - startedAt < SHOWN_AFTER_MS || time - updatedAt < UPDATE_MS) return
      updatedAt = time
      const payload = { versions: chartOf(figures()) }
      if (bar) {
        bar.update(doneMinutes, payload)
        return
      }
      const format = '{bar} {percentage}%, {eta_formatted} left  {versions}'
      bar = new SingleBar({ format, stream: stderr, clearOnComplete: true, barsize: BAR }, Presets.shades_classic)
      bar.start(minutes, doneMinutes, payload)
    },
    stop: () => bar?.stop(),
  }
}

/** Such as "1.0.0 ████ 40  1.1.0 ██████ 60": the most frequent versions, by their names. */
export function chartOf({ versions, devices }: Pick<FleetFigures, 'versions' | 'devices'>): string {
  const frequent = Object.entries(versions)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, MAX_VERSIONS)
    .toSorted(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
  const shown = frequent.map(([version, count]) => `${printable(version)} ${barOf(count / devices)} ${count}`)
  const others = Object.keys(versions).length - frequent.length
  return [...shown, ...(others > 0 ? [`and ${others} more`] : [])].join('  ')
}

function barOf(share: number): string {
  const eighths = Math.round(share * BAR * 8)
  return '█'.repeat(eighths >> 3) + (BLOCKS[eighths % 8] ?? '')
}
