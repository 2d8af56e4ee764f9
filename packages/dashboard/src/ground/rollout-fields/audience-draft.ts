import type { NewRollout, Rollout } from '@hotpatch/api'

export type RuleTest = 'range' | 'in' | 'notIn'

/** As it is typed. */
export interface RuleDraft {
  attribute: string
  test: RuleTest
  value: string
}

export interface AudienceDraft {
  percentage: number
  /** One id a line. */
  devices: string
  cohorts: string[]
  rules: RuleDraft[]
}

export const EVERYBODY: AudienceDraft = { percentage: 100, devices: '', cohorts: [], rules: [] }

type Audience = Required<Pick<NewRollout, 'devices' | 'cohorts' | 'rules'>>

/** What is typed, as the server takes it; rules that are only begun are left out. */
export function readAudience({ devices, cohorts, rules }: AudienceDraft): Audience {
  return { devices: readLines(devices), cohorts, rules: rules.flatMap((rule) => readRule(rule)) }
}

export function draftOf({ percentage, devices, cohorts, rules }: Rollout): AudienceDraft {
  return {
    percentage,
    devices: devices.join('\n'),
    cohorts: [...cohorts],
    rules: rules.map((rule) => draftOfRule(rule)),
  }
}

export function readLines(text: string): string[] {
  return [...new Set(text.split(/[\n,;]/).map((line) => line.trim()))].filter((line) => line !== '')
}

function readRule({ attribute, test, value }: RuleDraft): Audience['rules'] {
  const named = { attribute: attribute.trim() as never }
  if (named.attribute === '' || value.trim() === '') return []
  if (test === 'range') return [{ ...named, range: value.trim() }]
  const values = value
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  if (values.length === 0) return []
  return [test === 'in' ? { ...named, in: values } : { ...named, notIn: values }]
}

function draftOfRule(rule: Rollout['rules'][number]): RuleDraft {
  const { attribute } = rule
  if ('range' in rule) return { attribute, test: 'range', value: rule.range }
  if ('in' in rule) return { attribute, test: 'in', value: rule.in.join(', ') }
  return { attribute, test: 'notIn', value: rule.notIn.join(', ') }
}
