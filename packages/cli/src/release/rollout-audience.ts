import type { Rollout } from '@hotpatch/api'
import type { AttributeRule } from '@hotpatch/protocol'
import { InvalidArgumentError, type Command } from 'commander'
import { given } from '../arguments/given.ts'
import { formatRule, readRule } from '../arguments/rule-readers.ts'
import { withGroup } from '../arguments/shared-options.ts'

/** Options about whom a rollout is for, besides its percentage. */
export interface AudienceOptions {
  rule?: AttributeRule[]
  device?: string[]
  cohort?: string[]
}

export interface RolloutAudience {
  rules?: AttributeRule[]
  devices?: string[]
  cohorts?: string[]
}

export function withAudience(command: Command): Command {
  return withGroup(command, 'Who gets it:', (grouped) =>
    grouped
      .option(
        '--rule <rule>',
        'only devices that meet it: "osVersion >=14", "model in Pixel 8*,Pixel 9", "locale not in de"; may be given again',
        readRule,
      )
      .option('--device <id>', 'a device that gets it in any case, such as a tester; may be given again', addName(200))
      .option('--cohort <name>', 'a cohort that gets it whatever the percentage is; may be given again', addName(100)),
  )
}

function addName(maxLength: number) {
  return (name: string, before: readonly string[] = []): string[] => {
    if (name.trim() !== '' && name.length <= maxLength) return [...new Set([...before, name])]
    throw new InvalidArgumentError(`Expected 1 to ${maxLength} characters.`)
  }
}

export function readAudience({ rule: rules, device: devices, cohort: cohorts }: AudienceOptions): RolloutAudience {
  return given({ rules, devices, cohorts })
}

/** Lines for a person who has to say yes or no. */
export function audienceLines({ rules = [], devices = [], cohorts = [] }: RolloutAudience): Record<string, string> {
  return {
    ...(rules.length > 0 && { Only: rules.map(formatRule).join(' and ') }),
    ...(cohorts.length > 0 && { Cohorts: `${listOf(cohorts)}: whatever the percentage` }),
    ...(devices.length > 0 && { Devices: `${listOf(devices)}: in any case` }),
  }
}

/** The first few: thousands of testers would hide the rest. */
function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}

/** Whom a rollout is for, in one cell of a table. */
export function describeAudience({ percentage, rules, devices, cohorts, slice }: Rollout): string {
  const parts = [
    `${percentage} %`,
    rules.length > 0 && rules.map(formatRule).join(' and '),
    slice !== null && `${(slice.to - slice.from) / 100} % of a test`,
    cohorts.length > 0 && `cohorts ${listOf(cohorts)}`,
    devices.length > 0 && `devices ${listOf(devices)}`,
  ]
  return parts.filter((part) => part !== false).join('; ')
}
