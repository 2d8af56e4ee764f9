import { Tooltip } from '@mantine/core'
import { useState, useSyncExternalStore } from 'react'
import { useTranslation } from 'react-i18next'
import { figuresIn } from './figures.ts'

const STEPS = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const
const TICK_MS = 30_000

/** How long ago, or in how long; the exact time when pointed at, and for whoever hears it read. */
export function Time({ at }: { at: string | number }) {
  const { i18n } = useTranslation()
  const now = useNow()
  // Most are never pointed at: in long tables, what is shown then is what rows would cost most.
  const [isPointedAt, setPointedAt] = useState(false)
  const exact = figuresIn(i18n.language).dateTime(at)
  const time = (
    <time dateTime={new Date(at).toISOString()} aria-label={exact} onPointerEnter={() => setPointedAt(true)}>
      {relative(new Date(at).getTime() - now, i18n.language)}
    </time>
  )
  if (!isPointedAt) return time
  return (
    <Tooltip label={exact} openDelay={200} events={{ hover: true, focus: true, touch: true }}>
      {time}
    </Tooltip>
  )
}

function relative(differenceMs: number, language: string): string {
  const seconds = Math.round(differenceMs / 1000)
  const format = formatIn(language)
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit)
  }
  return format.format(0, 'second')
}

const formats = new Map<string, Intl.RelativeTimeFormat>()

/** Kept: to make one takes longer than all else about a row of a table. */
function formatIn(language: string): Intl.RelativeTimeFormat {
  const known = formats.get(language)
  if (known) return known
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
  formats.set(language, format)
  return format
}

let nowMs = Date.now()
const listeners = new Set<() => void>()
let timer: ReturnType<typeof setInterval> | undefined

/** One clock for all times of a page. */
function useNow(): number {
  return useSyncExternalStore(subscribe, () => nowMs)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  timer ??= setInterval(tick, TICK_MS)
  return () => {
    listeners.delete(listener)
    if (listeners.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
}

function tick(): void {
  nowMs = Date.now()
  for (const listener of listeners) listener()
}
