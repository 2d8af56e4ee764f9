import type { PlanWindow } from '@hotpatch/api'
import { readPlan } from '../../packages/server/src/rolling-out/plan-rules/read-plan.ts'
import {
  canonicalTimeZone,
  isWithin,
  nextOpening,
} from '../../packages/server/src/rolling-out/plan-rules/time-windows.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { textOf } from '../reading/texts.ts'

const CLOCK = /^(?:[01]\d|2[0-3]):[0-5]\d$/
const DAY_MS = 86_400_000

/** A window in four words, and a time: what the schema lets through, and no more. */
export const target: Target = {
  reads: 'windows of plans, in any time zone, at any time',
  maxBytes: 120,
  words: [
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'America/Sao_Paulo',
    'Asia/Kathmandu',
    'Etc/GMT+12',
    'Africa/Cairo',
    '24:00',
  ],
  read(input) {
    const [timeZone = '', days = '', from = '', to = '', seconds = ''] = textOf(input).split(' ')
    const window: PlanWindow = {
      timeZone,
      days: [...new Set(days.split('').map(Number))].filter((day) => day >= 1 && day <= 7),
      from,
      to,
    }
    const isOfSchema =
      timeZone.length > 0 &&
      timeZone.length <= 64 &&
      window.days.length > 0 &&
      CLOCK.test(from) &&
      (CLOCK.test(to) || to === '24:00')
    if (!isOfSchema) {
      canonicalTimeZone(timeZone)
      return
    }
    const plan = readPlan({ plan: { steps: [{ percentage: 5 }, { percentage: 100 }], windows: [window] } as never })
    const now = Math.min(4e9, Math.abs(Number(seconds) || 0)) * 1000
    const opening = nextOpening(plan?.windows ?? [], now)
    if (opening === undefined) return
    if (opening < now || opening > now + 8 * DAY_MS) throw new Broken('an opening that is not within eight days')
    if (!isWithin(plan?.windows ?? [], opening)) throw new Broken('a window that is not open when it opens')
  },
  refuses: isReaderRefusal,
}

export function seeds() {
  return [
    'Europe/Berlin 12345 09:00 17:00 1774746000',
    'America/New_York 7 23:00 01:00 1793512800',
    'Australia/Lord_Howe 1234567 00:00 24:00 1',
    'UTC 1 00:00 00:15 1800000000',
    'Pacific/Apia 5 10:00 12:00 1325116800',
  ]
}
