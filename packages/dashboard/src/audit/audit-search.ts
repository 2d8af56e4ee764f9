import type { AuditFilter } from '@hotpatch/api'
import { readText } from '../ground/search.ts'

const NAMES = ['app', 'action', 'actor', 'subject', 'from', 'to', 'text'] as const

/** What the address says; days are whole ones, as the reader's clock has them. */
export type AuditSearch = { [Name in (typeof NAMES)[number]]?: string }

export function readAuditSearch(search: Record<string, unknown>): AuditSearch {
  const given = NAMES.map((name) => [name, readText(search, name)] as const)
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** As the server takes it. A day that is none is as if it were not there. */
export function filterOf({ from, to, subject, ...search }: AuditSearch): AuditFilter {
  return {
    ...search,
    ...(subject !== undefined && { subjectId: subject }),
    ...timeOf('from', from, 0),
    ...timeOf('to', to, 1),
  }
}

/** The beginning of the day, or of the one after it. */
function timeOf(name: 'from' | 'to', day: string | undefined, daysLater: number) {
  const [, year, month, date] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '') ?? []
  if (year === undefined) return {}
  const time = new Date(Number(year), Number(month) - 1, Number(date) + daysLater)
  return Number.isNaN(time.getTime()) ? {} : { [name]: time.toISOString() }
}
