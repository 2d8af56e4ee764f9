import { MAX_FORCED_DEVICES, type Rollout, type RolloutChanges } from '@hotpatch/api'
import {
  problem,
  readAttributeRules,
  UnexpectedJsonError,
  type AttributeRule,
  type AudienceSlice,
} from '@hotpatch/protocol'
import type { RolloutRow } from './rollout-store.ts'

/** Whom a rollout is for besides its percentage, as its columns hold it. */
type AudienceColumns = Pick<RolloutRow, 'devices' | 'cohorts' | 'rules' | 'slice' | 'experiment_id'>

export interface NewAudience {
  devices?: readonly string[] | undefined
  cohorts?: readonly string[] | undefined
  rules?: readonly AttributeRule[] | undefined
  /** Of an A/B test's arm: its slice of those who take part. They are drawn with one salt for all arms. */
  slice?: AudienceSlice | undefined
  salt?: string | undefined
  experimentId?: string | undefined
}

/** @throws problem invalid-request that points at the rule which is none */
export function audienceColumns(audience: NewAudience): AudienceColumns {
  const { devices, cohorts, rules, slice, experimentId } = audience
  return {
    devices: JSON.stringify(devices ?? []),
    cohorts: JSON.stringify(cohorts ?? []),
    rules: JSON.stringify(requireRules(rules ?? [])),
    slice: slice ? JSON.stringify(slice) : null,
    experiment_id: experimentId ?? null,
  }
}

/** The columns that a change names. @throws problem invalid-request that points at the rule which is none */
export function audienceChanges({ devices, cohorts, rules }: NewAudience): Partial<AudienceColumns> {
  return {
    ...(devices && { devices: JSON.stringify(devices) }),
    ...(cohorts && { cohorts: JSON.stringify(cohorts) }),
    ...(rules && { rules: JSON.stringify(requireRules(rules)) }),
  }
}

/**
 * The devices that a rollout names after some were added and others removed.
 * @throws problem invalid-request when they are too many
 */
export function changedDevices(
  before: Pick<RolloutRow, 'devices'>,
  { addDevices, removeDevices }: Pick<RolloutChanges, 'addDevices' | 'removeDevices'>,
): Partial<Pick<AudienceColumns, 'devices'>> {
  if (!addDevices && !removeDevices) return {}
  const named = new Set(JSON.parse(before.devices) as string[])
  for (const device of removeDevices ?? []) named.delete(device)
  for (const device of addDevices ?? []) named.add(device)
  if (named.size <= MAX_FORCED_DEVICES) return { devices: JSON.stringify([...named]) }
  const detail = `Expected at most ${MAX_FORCED_DEVICES} devices that a rollout names, found ${named.size}. Use a cohort.`
  throw problem('invalid-request', detail, { errors: [{ pointer: '#/addDevices', detail }] })
}

export function renderAudience(
  row: AudienceColumns,
): Pick<Rollout, 'devices' | 'cohorts' | 'rules' | 'slice' | 'experimentId'> {
  return {
    devices: JSON.parse(row.devices) as string[],
    cohorts: JSON.parse(row.cohorts) as string[],
    rules: JSON.parse(row.rules) as AttributeRule[],
    slice: row.slice === null ? null : (JSON.parse(row.slice) as AudienceSlice),
    experimentId: row.experiment_id,
  }
}

/**
 * What the schema of a request cannot say: one test for each rule, ranges that can be read.
 * @throws problem invalid-request that points at the rule which is none
 */
export function requireRules(rules: unknown): AttributeRule[] {
  try {
    return readAttributeRules(rules, '/rules')
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    const errors = [{ pointer: `#${cause.pointer}`, detail: cause.message }]
    throw problem('invalid-request', cause.message, { errors }, { cause })
  }
}
