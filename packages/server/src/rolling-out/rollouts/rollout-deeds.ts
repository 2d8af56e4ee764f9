import type { AuditEntry, GuardTrip, RolloutDeed } from '@hotpatch/api'

/** Told by its action, or without news for people. */
const UNTOLD: ReadonlySet<string> = new Set(['revision', 'updatedAt', 'coveredBy'])

/** An entry of the audit log as readers of the rollout see it: neither from where, nor whole lists of devices. */
export function deedOf({ id, at, action, actorName, actorKind, before, after }: AuditEntry): RolloutDeed {
  const deed = { id, at, action, by: actorName, byKind: actorKind, changes: changesBetween(before, after) }
  return action === 'guard.tripped' && isObject(after) ? { ...deed, trip: after as unknown as GuardTrip } : deed
}

function changesBetween(before: unknown, after: unknown): RolloutDeed['changes'] {
  // What was only just placed, or a trip, has nothing before it: what it is now, the rollout itself says.
  if (!isObject(before) || !isObject(after)) return []
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((field) => !UNTOLD.has(field))
  return fields.flatMap((field) => {
    const [was, is] = [before[field], after[field]]
    if (JSON.stringify(was) === JSON.stringify(is)) return []
    return [{ field, before: shown(field, was), after: shown(field, is) }]
  })
}

function shown(field: string, value: unknown): unknown {
  return field === 'devices' && Array.isArray(value) ? value.length : (value ?? null)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
