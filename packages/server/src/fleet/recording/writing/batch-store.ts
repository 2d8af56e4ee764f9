import type { Connection, Database, Schema } from '../../../ground/database/schema.ts'
import { conclude, mayEstablish, progressKey, tellsProgress, type Conclusions, type KnownRows } from './conclude.ts'
import { addUp } from './counter-store.ts'
import { readNetworks, readWaiting } from './sample-store.ts'
import type { DeviceNote, ReadReport } from '../device-report.ts'
import { lockDevices, MOVED, SEEN, upsertDevices } from './device-rows.ts'
import {
  asFarAsProven,
  eventsOf,
  factOfNote,
  factOfReport,
  failuresOf,
  inLockOrder,
  inOrderOfTime,
} from './fleet-batch.ts'
import type { Fact, FleetBatch } from './fleet-batch.ts'
import { deviceKey } from '../fleet-buffer.ts'
import type { DeviceEventRow } from '../fleet-store.ts'
import { chunks, isOneOf } from './statements.ts'

/**
 * In one transaction. Writing a batch again, or a part of it in another batch, changes nothing.
 *
 * Servers that write the same devices wait for each other and do not deadlock: all take rows in the same order, table
 * by table, first those that are new. What many devices share is written last, as it is held the shortest then.
 */
export function writeFleetBatch(db: Database, batch: FleetBatch): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const isNewPacket = await claimPacket(tx, batch)
    const reports = await attributed(tx, batch)
    const events = eventsOf(reports.filter(({ isEventShed }) => !isEventShed))
    const newEvents = await insertEvents(tx, events)
    const stored = events.filter(({ app_id, id }) => newEvents.has(`${app_id}\n${id}`))
    const told = factsOf(batch.notes, reports, newEvents)
    const devices = await lockDevices(tx, told)
    const facts = told.map((fact) => asFarAsProven(fact, devices.get(keyOfDevice(fact))))
    const conclusions = conclude(facts, await readKnown(tx, facts, devices))
    await writeConclusions(tx, conclusions)
    await insertNew(tx, 'device_failure', failuresOf(ownReports(reports, devices), batch.writtenAt))
    await addUp(tx, conclusions, isNewPacket ? batch.counts : undefined, [...stored, ...conclusions.events])
  })
}

/** @returns false when the packet's counts are written */
async function claimPacket(tx: Connection, { counts, writtenAt }: FleetBatch): Promise<boolean> {
  const { source: id, number: last_batch } = counts
  const claimed = await tx
    .insertInto('fleet_source')
    .values({ id, last_batch, written_at: writtenAt })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ last_batch, written_at: writtenAt })
        .where('fleet_source.last_batch', '<', last_batch),
    )
    .returning('id')
    .executeTakeFirst()
  return claimed !== undefined
}

/** If a report could be about several rollouts of its release, it is about the one that the device was with. */
async function attributed(tx: Connection, { notes, reports }: FleetBatch): Promise<ReadReport[]> {
  const keyOf = ({ app_id, device_id }: { app_id: string; device_id: string }) => deviceKey(app_id, device_id)
  const unclear = reports.filter(({ otherRollouts }) => otherRollouts.length > 0)
  const rolloutOf = new Map<string, string | null>()
  for (const chunk of chunks(unclear)) {
    const keys = chunk.map(({ device }) => [device.app_id, device.device_id] as const)
    const rows = await tx
      .selectFrom('device')
      .select(['app_id', 'device_id', 'rollout_id'])
      .where(isOneOf(['app_id', 'device_id'], keys))
      .execute()
    for (const row of rows) rolloutOf.set(keyOf(row), row.rollout_id)
  }
  if (unclear.length > 0) {
    for (const { appId, deviceId, rolloutId } of notes)
      if (rolloutId) rolloutOf.set(deviceKey(appId, deviceId), rolloutId)
  }
  return inOrderOfTime(reports).map((report) => {
    const rolloutId = rolloutOf.get(keyOf(report.device))
    if (!report.event || !rolloutId || !report.otherRollouts.includes(rolloutId)) return report
    return { ...report, event: { ...report.event, rollout_id: rolloutId } }
  })
}

/** @returns the keys of those that were not there yet */
async function insertEvents(tx: Connection, events: readonly DeviceEventRow[]): Promise<Set<string>> {
  const inserted = new Set<string>()
  for (const chunk of chunks(events)) {
    const rows = await tx
      .insertInto('device_event')
      .values(chunk)
      .onConflict((conflict) => conflict.columns(['app_id', 'id']).doNothing())
      .returning(['app_id', 'id'])
      .execute()
    for (const { app_id, id } of rows) inserted.add(`${app_id}\n${id}`)
  }
  return inserted
}

function factsOf(notes: readonly DeviceNote[], reports: readonly ReadReport[], newEvents: Set<string>): Fact[] {
  const facts = notes.map(factOfNote)
  for (const report of reports) {
    const { event } = report
    // Taken out: an event that is in the batch twice counts once.
    const isNew = event !== null && newEvents.delete(`${event.app_id}\n${event.id}`)
    facts.push(factOfReport(report, isNew))
  }
  return inLockOrder(facts)
}

async function readKnown(tx: Connection, facts: readonly Fact[], devices: KnownRows['devices']): Promise<KnownRows> {
  const wanted = new Map<string, [deviceId: string, rolloutId: string]>()
  for (const fact of facts) {
    const { app_id, device_id } = fact.told
    if (fact.rolloutId !== null && tellsProgress(fact, devices.get(deviceKey(app_id, device_id)))) {
      wanted.set(progressKey(device_id, fact.rolloutId), [device_id, fact.rolloutId])
    }
  }
  const progress = new Map<string, Schema['rollout_device']>()
  // Whoever has the device has these rows.
  for (const pairs of chunks([...wanted.values()])) {
    const rows = await tx
      .selectFrom('rollout_device')
      .selectAll()
      .where(isOneOf(['device_id', 'rollout_id'], pairs))
      .execute()
    for (const row of rows) progress.set(progressKey(row.device_id, row.rollout_id), row)
  }
  const establishing = facts.filter((fact) => mayEstablish(fact, devices.get(keyOfDevice(fact))))
  const waiting = await readWaiting(tx, establishing)
  for (const row of [...waiting.values()].flat()) progress.set(progressKey(row.device_id, row.rollout_id), row)
  return { devices, progress, waiting, networks: await readNetworks(tx, facts, { devices, progress, waiting }) }
}

/** Without those that somebody else makes in the name of a device that has a credential. */
function ownReports(reports: readonly ReadReport[], devices: KnownRows['devices']): ReadReport[] {
  return reports.filter(({ device, proof }) => {
    const known = devices.get(deviceKey(device.app_id, device.device_id))
    return !proof || proof.isProven || !known || known.credential_at === null
  })
}

function keyOfDevice({ told }: Fact): string {
  return deviceKey(told.app_id, told.device_id)
}

async function writeConclusions(tx: Connection, { moved, seen, progress, events }: Conclusions): Promise<void> {
  await upsertDevices(tx, MOVED, moved)
  await upsertDevices(tx, SEEN, seen)
  for (const chunk of chunks(progress)) {
    await tx
      .insertInto('rollout_device')
      .values(chunk)
      .onConflict((conflict) =>
        conflict.columns(['device_id', 'rollout_id']).doUpdateSet(({ ref }) => ({
          progress: ref('excluded.progress'),
          offered_at: ref('excluded.offered_at'),
          attempted_at: ref('excluded.attempted_at'),
          changed_at: ref('excluded.changed_at'),
          is_known: ref('excluded.is_known'),
          standing: ref('excluded.standing'),
          standing_at: ref('excluded.standing_at'),
          network: ref('excluded.network'),
        })),
      )
      .execute()
  }
  await insertNew(tx, 'device_event', events)
}

async function insertNew<Table extends 'device_event' | 'device_failure'>(
  tx: Connection,
  table: Table,
  rows: readonly Schema[Table][],
): Promise<void> {
  for (const chunk of chunks<Schema['device_event' | 'device_failure']>(rows)) {
    await tx
      .insertInto<'device_event' | 'device_failure'>(table)
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}
