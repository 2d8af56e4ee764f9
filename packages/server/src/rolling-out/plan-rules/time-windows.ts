import type { PlanWindow } from '@hotpatch/api'
import { DAY_MS, MINUTE_MS } from '../../ground/clock.ts'

const QUARTER_MS = 15 * MINUTE_MS
const DAY_MINUTES = 24 * 60
/** A week, and a day for a window whose only hours fell into a change of the clocks. */
const SEARCH_MS = 8 * DAY_MS
/** Clocks change at most a few times in that. */
const MAX_CHANGES = 8

/** What a clock on the wall shows. */
interface WallTime {
  /** 1 is Monday. */
  day: number
  /** Since midnight. */
  minute: number
}

/** The name as Intl has it, or undefined when there is no such zone. */
export function canonicalTimeZone(name: string): string | undefined {
  // Intl also takes offsets such as +01:00, which do not know summer.
  if (!/^[A-Za-z]/.test(name)) return undefined
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone
  } catch {
    return undefined // a RangeError is how Intl says no
  }
}

/** Whether one of the windows is open; with none at all it always is. */
export function isWithin(windows: readonly PlanWindow[], now: number): boolean {
  return windows.length === 0 || windows.some((window) => isOpen(window, wallTimeAt(window.timeZone, now)))
}

/**
 * The first moment, from now on, in which one of the windows is open.
 * @returns milliseconds since 1970; undefined when none opens within eight days
 */
export function nextOpening(windows: readonly PlanWindow[], now: number): number | undefined {
  if (isWithin(windows, now)) return now
  const openings = windows.map((window) => openingOf(window, now)).filter((opening) => opening !== undefined)
  return openings.length > 0 ? Math.min(...openings) : undefined
}

function isOpen({ days, from, to }: PlanWindow, { day, minute }: WallTime): boolean {
  const [opens, closes] = [minutesOf(from), minutesOf(to)]
  if (opens < closes) return days.includes(day) && minute >= opens && minute < closes
  return (days.includes(day) && minute >= opens) || (days.includes(dayBefore(day)) && minute < closes)
}

/** Along the clock on the wall to its next opening, and where the clock is changed on the way, from there anew. */
function openingOf(window: PlanWindow, now: number): number | undefined {
  const { timeZone } = window
  let at = now
  for (let changes = 0; changes <= MAX_CHANGES && at <= now + SEARCH_MS; changes += 1) {
    if (isOpen(window, wallTimeAt(timeZone, at))) return at
    const opening = at - (at % MINUTE_MS) + minutesUntilOpening(window, wallTimeAt(timeZone, at)) * MINUTE_MS
    const change = clockChangeBetween(timeZone, at, opening)
    if (change === undefined) return opening <= now + SEARCH_MS ? opening : undefined
    at = change
  }
  return undefined
}

function minutesUntilOpening({ days, from }: PlanWindow, { day, minute }: WallTime): number {
  const waits = days.map((each) => {
    const wait = (each - day) * DAY_MINUTES + minutesOf(from) - minute
    return wait > 0 ? wait : wait + 7 * DAY_MINUTES
  })
  return Math.min(...waits)
}

/** The first moment with other clocks, to the minute; undefined when they are the same at both ends. */
function clockChangeBetween(timeZone: string, from: number, to: number): number | undefined {
  const before = offsetAt(timeZone, from)
  // Day by day, as two changes within a span would hide each other.
  for (let start = from; start < to; start += DAY_MS) {
    const end = Math.min(start + DAY_MS, to)
    if (offsetAt(timeZone, end) !== before) return firstMinute(start, end, (at) => offsetAt(timeZone, at) !== before)
  }
  return undefined
}

function firstMinute(from: number, to: number, holds: (at: number) => boolean): number {
  let [low, high] = [Math.floor(from / MINUTE_MS), Math.ceil(to / MINUTE_MS)]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle * MINUTE_MS)) high = middle
    else low = middle
  }
  return high * MINUTE_MS
}

function wallTimeAt(timeZone: string, at: number): WallTime {
  const wall = new Date(at + offsetAt(timeZone, at))
  return { day: wall.getUTCDay() || 7, minute: wall.getUTCHours() * 60 + wall.getUTCMinutes() }
}

/** Names are canonical, of which there are some hundred. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** Asking Intl takes some 20 µs, and every plan with a window asks about the same days at every round. */
const knownOffsets = new Map<string, number>()
const MAX_KNOWN_OFFSETS = 10_000

/** How far the zone's clocks are ahead of UTC, in milliseconds. */
function offsetAt(timeZone: string, at: number): number {
  // Clocks change on the quarter of an hour, in UTC, wherever they do.
  const quarter = Math.floor(at / QUARTER_MS)
  const key = `${timeZone} ${quarter}`
  const known = knownOffsets.get(key)
  if (known !== undefined) return known
  const offset = readOffset(timeZone, quarter * QUARTER_MS)
  if (knownOffsets.size >= MAX_KNOWN_OFFSETS) knownOffsets.clear()
  knownOffsets.set(key, offset)
  return offset
}

function readOffset(timeZone: string, at: number): number {
  let format = formats.get(timeZone)
  if (!format) {
    const numeric = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', second: 'numeric', ...numeric })
    formats.set(timeZone, format)
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second) - at
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

function dayBefore(day: number): number {
  return day === 1 ? 7 : day - 1
}
