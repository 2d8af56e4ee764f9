import { Presets, SingleBar } from 'cli-progress'
import type { CliContext } from '../process/context.ts'
import { formatBytes } from './text.ts'

const SHOWN_AFTER_MS = 1000
/** Where nobody watches, a log says now and then that something happens. */
const LINE_EVERY_MS = 10_000

export type Progress = ReturnType<typeof createProgress>

/** When something takes longer than a second: a bar where somebody watches, else a line every ten seconds. */
export function createProgress({ stderr, isTTY, now }: CliContext, label: string, totalBytes: number) {
  const startedAt = now().getTime()
  let bar: SingleBar | undefined
  let toldAt = startedAt

  function tell(doneBytes: number) {
    if (now().getTime() - toldAt < LINE_EVERY_MS) return
    toldAt = now().getTime()
    const percentage = Math.floor((100 * doneBytes) / totalBytes)
    // Not everybody says how much is coming.
    const isKnown = Number.isFinite(percentage)
    stderr.write(`${label}: ${isKnown ? `${percentage} % of ${formatBytes(totalBytes)}` : formatBytes(doneBytes)}\n`)
  }

  return {
    advanceTo(doneBytes: number) {
      if (!isTTY) return tell(doneBytes)
      if (!bar && now().getTime() - startedAt > SHOWN_AFTER_MS) {
        const format = `${label} {bar} {percentage}% of {size}, {eta_formatted} left`
        bar = new SingleBar({ format, stream: stderr, clearOnComplete: true, barsize: 30 }, Presets.shades_classic)
        bar.start(totalBytes, doneBytes, { size: formatBytes(totalBytes) })
      }
      bar?.update(doneBytes)
    },
    stop: () => bar?.stop(),
  }
}
