import { Presets, SingleBar } from 'cli-progress'
import type { CliContext } from '../context.ts'
import { formatBytes } from './text.ts'

const SHOWN_AFTER_MS = 1000

export type Progress = ReturnType<typeof createProgress>

/** A bar that appears when something takes longer than a second and somebody watches. */
export function createProgress({ stderr, isTTY, now }: CliContext, label: string, totalBytes: number) {
  const startedAt = now().getTime()
  let bar: SingleBar | undefined

  return {
    advanceTo(doneBytes: number) {
      if (!bar && isTTY && now().getTime() - startedAt > SHOWN_AFTER_MS) {
        const format = `${label} {bar} {percentage}% of {size}, {eta_formatted} left`
        bar = new SingleBar({ format, stream: stderr, clearOnComplete: true, barsize: 30 }, Presets.shades_classic)
        bar.start(totalBytes, doneBytes, { size: formatBytes(totalBytes) })
      }
      bar?.update(doneBytes)
    },
    stop: () => bar?.stop(),
  }
}
