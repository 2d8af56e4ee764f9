import { KitError } from '../ground/kit-error.ts'
import type { ConsentRules } from '../installation/installation.ts'
import type { KitPlan } from '../planning/kit-plan.ts'

/** In the local time of the machine. */
export interface LocalTime {
  /** 1 is Monday, 7 is Sunday. */
  day: number
  /** Minutes since midnight. */
  minute: number
}

export function localTimeOf(date: Date): LocalTime {
  return { day: date.getDay() === 0 ? 7 : date.getDay(), minute: date.getHours() * 60 + date.getMinutes() }
}

/**
 * Kits §5: whether a plan may be applied although nobody was asked.
 * @throws KitError not-consented, outside-window
 */
export function expectUnaskedAllowed(plan: KitPlan, rules: ConsentRules, time: LocalTime): void {
  const asked = plan.steps.filter(({ component }) => !(rules.auto as readonly string[]).includes(component.kind))
  if (asked.length > 0 || plan.direction === 'back') {
    const what = asked.map(({ component }) => `${component.id} (${component.kind})`).join(', ') || 'a way back'
    throw new KitError('not-consented', `${what} is applied only when somebody agrees: run hotpatch kit apply`)
  }
  if (rules.windows.length === 0 || rules.windows.some((window) => isWithin(window, time))) return
  const windows = rules.windows.map(({ days, from, to }) => `${from} to ${to} (days ${days.join(', ')})`).join('; ')
  throw new KitError('outside-window', `nothing is applied unasked now, only ${windows}`)
}

/** One that ends before it begins goes over midnight, and belongs to the day on which it begins. */
export function isWithin({ days, from, to }: ConsentRules['windows'][number], { day, minute }: LocalTime): boolean {
  const [begin, end] = [minutesOf(from), minutesOf(to)]
  if (begin < end) return days.includes(day) && minute >= begin && minute < end
  const yesterday = day === 1 ? 7 : day - 1
  return (days.includes(day) && minute >= begin) || (days.includes(yesterday) && minute < end)
}

function minutesOf(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  return hours * 60 + minutes
}
