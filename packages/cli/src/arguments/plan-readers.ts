import { MAX_BAKE_MINUTES, MAX_PLAN_STEPS, MAX_PLAN_WINDOWS, type PlanStep, type PlanWindow } from '@hotpatch/api'
import { InvalidArgumentError } from 'commander'
import { readPercentage } from './readers.ts'

const MINUTES = { m: 1, h: 60, d: 24 * 60, w: 7 * 24 * 60 } as const
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
const STEP = /^(?<percentage>[\d.]+)%?(?::(?<bake>[\dmhdw]+))?(?::(?<sample>\d{1,9}))?$/
const WINDOW = /^(?<days>\S+) (?<from>\d\d:\d\d)-(?<to>\d\d:\d\d) (?<timeZone>[A-Za-z][\w+/-]*)$/
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/

/** Steps of rising percentages, each with how long it stays and how many devices must try it: "1%:1h:50,10%:4h,100%". */
export function readPlanSteps(text: string): PlanStep[] {
  const steps = text.split(',').map((part) => readStep(part.trim()))
  if (steps.length > MAX_PLAN_STEPS) throw new InvalidArgumentError(`Expected at most ${MAX_PLAN_STEPS} steps.`)
  for (const [index, { percentage }] of steps.entries()) {
    const before = steps[index - 1]
    if (!before || before.percentage < percentage) continue
    throw new InvalidArgumentError(`Expected rising percentages, found ${percentage} % after ${before.percentage} %.`)
  }
  return steps
}

function readStep(text: string): PlanStep {
  const { percentage, bake, sample } = STEP.exec(text)?.groups ?? {}
  if (percentage === undefined) {
    const expected = 'a percentage, how long it stays and how many devices must try it, such as 10%:4h or 1%:1h:50'
    throw new InvalidArgumentError(`Expected ${expected}, found "${text}".`)
  }
  return {
    percentage: readPercentage(percentage),
    bakeMinutes: bake === undefined ? 0 : readMinutes(bake),
    ...(sample !== undefined && { minimumSample: Number(sample) }),
  }
}

function readMinutes(text: string): number {
  const isWhole = /^(?:\d{1,6}[mhdw])+$/.test(text)
  const parts = text.matchAll(/(\d+)([mhdw])/g)
  const minutes = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * MINUTES[unit as 'm'], 0)
  if (isWhole && minutes <= MAX_BAKE_MINUTES) return minutes
  throw new InvalidArgumentError(`Expected a time of at most 90 days, such as 30m, 4h, 1d12h or 1w, found "${text}".`)
}

/** An option that may be given again: days, hours and time zone, such as "Mon-Fri 09:00-17:00 Europe/Berlin". */
export function readPlanWindow(text: string, before: readonly PlanWindow[] = []): PlanWindow[] {
  if (before.length >= MAX_PLAN_WINDOWS) throw new InvalidArgumentError(`Expected at most ${MAX_PLAN_WINDOWS} windows.`)
  const { days, from = '', to = '', timeZone = '' } = WINDOW.exec(text.trim().replaceAll(/\s+/g, ' '))?.groups ?? {}
  if (days === undefined) {
    throw new InvalidArgumentError('Expected days, hours and a time zone, such as "Mon-Fri 09:00-17:00 Europe/Berlin".')
  }
  if (!TIME.test(from) || !(TIME.test(to) || to === '24:00') || from === to) {
    throw new InvalidArgumentError(`Expected hours such as 09:00-17:00, or 00:00-24:00, found ${from}-${to}.`)
  }
  if (!isTimeZone(timeZone)) {
    throw new InvalidArgumentError(`Expected a time zone such as Europe/Berlin, found "${timeZone}".`)
  }
  return [...before, { timeZone, days: readDays(days), from, to }]
}

/** From 1, Monday. */
function readDays(text: string): number[] {
  if (text.toLowerCase() === 'daily') return DAYS.map((_, index) => index + 1)
  const days = text.split(',').flatMap((part) => {
    const [first = '', last = first, ...others] = part.split('-')
    const [from, to] = [dayOf(first), dayOf(last)]
    if (from === 0 || to === 0 || others.length > 0) {
      throw new InvalidArgumentError(`Expected days such as Mon-Fri, Sat,Sun or daily, found "${text}".`)
    }
    // Fri-Mon goes over the end of the week.
    const count = ((to - from + 7) % 7) + 1
    return Array.from({ length: count }, (_, index) => ((from - 1 + index) % 7) + 1)
  })
  return [...new Set(days)].sort((a, b) => a - b)
}

/** 0 when there is no such day. */
function dayOf(name: string): number {
  return DAYS.findIndex((day) => day.toLowerCase() === name.toLowerCase()) + 1
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false // a RangeError is how Intl says no
  }
}

/** As `readPlanSteps` takes it. */
export function formatMinutes(minutes: number): string {
  const parts = []
  let left = minutes
  for (const unit of ['d', 'h', 'm'] as const) {
    const count = Math.floor(left / MINUTES[unit])
    left -= count * MINUTES[unit]
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join('') || '0m'
}

/** As `readPlanWindow` takes it. */
export function formatWindow({ days, from, to, timeZone }: PlanWindow): string {
  return `${formatDays(days)} ${from}-${to} ${timeZone}`
}

function formatDays(days: readonly number[]): string {
  if (days.length === DAYS.length) return 'daily'
  const runs: number[][] = []
  for (const day of [...days].sort((a, b) => a - b)) {
    const run = runs.at(-1)
    if (run?.at(-1) === day - 1) run.push(day)
    else runs.push([day])
  }
  const nameOf = (day: number | undefined) => DAYS[(day ?? 1) - 1] ?? ''
  return runs.map((run) => [run[0], ...(run.length > 1 ? [run.at(-1)] : [])].map(nameOf).join('-')).join(',')
}
