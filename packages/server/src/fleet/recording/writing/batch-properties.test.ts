import { describeOnEveryDatabase } from '@hotpatch/testkit'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { HOUR_MS } from '../../../ground/clock.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { writeFleetBatch } from './batch-store.ts'
import { readReport, type DeviceNote, type ReadReport } from '../device-report.ts'
import { startOfPeriod, type Period } from './periods.ts'
import { PROGRESS } from '../../progress/rollout-progress.ts'
import { aNote, APP_ID, aReport, forgetFleet, insertApp } from '../testing/fixtures.ts'

const START = Date.UTC(2026, 0, 1, 12)
const KINDS = [
  'download-started',
  'downloaded',
  'download-failed',
  'applied',
  'confirmed',
  'failed',
  'rolled-back',
] as const
/** The second rollout begins when some devices have checked. */
const BEGINS_MS = 8 * HOUR_MS
const OBSERVED_MS = 2 * HOUR_MS
const NETWORKS = ['network-a', 'network-a', null]
const PERIODS = ['hour', 'day', 'week', 'month'] as const satisfies Period[]

interface Step {
  device: number
  rollout: number
  what: 'offer' | 'run' | (typeof KINDS)[number]
  /** After the step before. */
  afterMs: number
  lateByMs: number
  bytes: number
  /** Events with the same id are the same event. */
  event: number
}

const step: fc.Arbitrary<Step> = fc.record({
  device: fc.nat(2),
  rollout: fc.nat(1),
  what: fc.constantFrom('offer', 'run', ...KINDS),
  afterMs: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 40 * HOUR_MS })),
  lateByMs: fc.oneof(fc.constant(0), fc.nat(5 * HOUR_MS)),
  bytes: fc.nat(1_000),
  event: fc.nat(20),
})

/** Batches of steps in the order of time; in each the steps are mixed, with steps of earlier batches again. */
const history = fc.record({
  batches: fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }),
  again: fc.array(fc.tuple(fc.nat(5), fc.nat(35)), { maxLength: 8 }),
  wholeAgain: fc.array(fc.nat(5), { maxLength: 2 }),
  order: fc.infiniteStream(fc.nat()),
})

type Told = { note: DeviceNote; report?: undefined } | { note?: undefined; report: ReadReport }

function tell({ device, rollout, what, lateByMs, bytes, event }: Step, at: number): Told {
  const deviceId = `device-${device}`
  const rolloutId = `rollout-${rollout}`
  if (what === 'offer' || what === 'run') {
    const network = NETWORKS[device] ?? null
    const belief = { rolloutStartedAt: START + rollout * BEGINS_MS, observedMs: OBSERVED_MS, network }
    return { note: aNote({ deviceId, rolloutId, isOffer: what === 'offer', at, ...belief }) }
  }
  const report = aReport({
    deviceId,
    kind: what,
    eventId: `event-${event}`,
    receivedBytes: bytes,
    rollout: { id: rolloutId, startedAt: START },
    occurredAt: at - lateByMs,
  })
  return { report: readReport(APP_ID, report, at) }
}

/** What the counters must be: from all that was told, each thing once, in the order of time. */
function expected(told: readonly Told[]) {
  const counters = new Map<string, number>()
  const add = (key: string, by = 1) => counters.set(key, (counters.get(key) ?? 0) + by)
  const seen = new Set<string>()
  const isNew = (fact: string) => !seen.has(fact) && Boolean(seen.add(fact))
  const attemptedIn = new Map<string, number>()
  for (const { note, report } of told) {
    const deviceId = note?.deviceId ?? report?.device.device_id
    const at = note?.at ?? report?.device.last_seen_at ?? 0
    for (const period of PERIODS) {
      const startsAt = startOfPeriod(period, at)
      if (isNew(`${period} ${startsAt} ${deviceId}`)) add(`${period} ${startsAt}`)
    }
    if (report && !isNew(`event ${report.event?.id}`)) continue
    const rolloutId = note?.rolloutId ?? report?.event?.rollout_id
    const kind = note ? (note.isOffer ? 'offered' : 'running') : (report?.event?.kind ?? '').replaceAll('-', '_')
    const countsAt = note?.at ?? report?.countsAt ?? 0
    const hour = startOfPeriod('hour', countsAt)
    if (report?.event?.received_bytes) add(`${rolloutId} ${hour} received_bytes`, report.event.received_bytes)
    const pair = `${rolloutId} ${deviceId}`
    if (isNew(`${pair} ${kind}`)) add(`${rolloutId} ${hour} ${kind}`)
    if (['offered', 'download_started', 'downloaded', 'download_failed'].includes(kind)) continue
    if (isNew(`${pair} attempted`)) {
      attemptedIn.set(pair, hour)
      add(`${rolloutId} ${hour} attempted`)
    }
    if (['failed', 'rolled_back'].includes(kind) && isNew(`${pair} bad`)) {
      add(`${rolloutId} ${attemptedIn.get(pair)} attempted_bad`)
    }
  }
  return counters
}

/** Whom guards and plans must believe of those who attempted a rollout: by its definition, from all that was told. */
function expectedBelief(told: readonly Told[]): Map<string, { believed: number; others: number }> {
  const firstCheck = new Map<string, number>()
  const established = new Set<string>()
  const offered = new Set<string>()
  const known = new Set<string>()
  const ran = new Set<string>()
  const attempted = new Map<string, [deviceId: string, rolloutId: string]>()
  const tried = (deviceId: string, rolloutId: string) =>
    attempted.set(`${deviceId} ${rolloutId}`, [deviceId, rolloutId])
  const seen = new Set<string>()
  for (const { note, report } of told) {
    const event = report?.event
    if (event && seen.has(event.id)) continue
    if (event) seen.add(event.id)
    if (event && ['applied', 'confirmed', 'failed', 'rolled-back'].includes(event.kind)) {
      tried(event.device_id, event.rollout_id ?? '')
    }
    if (!note) continue
    const { deviceId, rolloutId, at } = note
    const first = firstCheck.get(deviceId) ?? at
    firstCheck.set(deviceId, first)
    if (at - first >= OBSERVED_MS) established.add(deviceId)
    const pair = `${deviceId} ${rolloutId}`
    if (first < (note.rolloutStartedAt ?? 0)) known.add(pair)
    ;(note.isOffer ? offered : ran).add(pair)
    if (!note.isOffer) tried(deviceId, rolloutId ?? '')
  }
  const counts = new Map<string, { believed: number; others: number }>()
  for (const [pair, [deviceId, rolloutId]] of attempted) {
    const count = counts.get(rolloutId) ?? { believed: 0, others: 0 }
    const wasOffered = offered.has(pair) || (ran.has(pair) && known.has(pair))
    const isBelieved = wasOffered && (known.has(pair) || established.has(deviceId))
    count[isBelieved ? 'believed' : 'others']++
    counts.set(rolloutId, count)
  }
  return counts
}

async function foundBelief(db: Database) {
  const counts = new Map<string, { believed: number; others: number }>()
  for (const { rollout_id, standing, attempted } of await db.selectFrom('rollout_sample').selectAll().execute()) {
    expect(attempted).toBeGreaterThanOrEqual(0)
    const count = counts.get(rollout_id) ?? { believed: 0, others: 0 }
    count[standing >= 0 ? 'believed' : 'others'] += attempted
    counts.set(rollout_id, count)
  }
  return counts
}

/** All who attempted it have one standing, also those who are bad, and networks have as many as their ranks say. */
async function requireWholeSamples(db: Database): Promise<void> {
  const sums = (table: 'rollout_hour' | 'rollout_sample') =>
    db
      .selectFrom(table)
      .select(['attempted', 'attempted_bad'])
      .execute()
      .then((rows) => ({
        attempted: rows.reduce((sum, { attempted }) => sum + attempted, 0),
        bad: rows.reduce((sum, { attempted_bad }) => sum + attempted_bad, 0),
      }))
  expect(await sums('rollout_sample')).toEqual(await sums('rollout_hour'))
  const devices = await db.selectFrom('rollout_device').selectAll().where('standing', '>', 0).execute()
  const networks = await db.selectFrom('rollout_network').selectAll().execute()
  const ofNetworks = networks.reduce((sum, { devices }) => sum + devices, 0)
  expect(ofNetworks).toBe(devices.length)
  const bad = PROGRESS.failed | PROGRESS.rolled_back | PROGRESS.crashed
  const badDevices = devices.filter(({ progress }) => (progress & bad) !== 0)
  expect(networks.reduce((sum, network) => sum + network.bad, 0)).toBe(badDevices.length)
}

async function found(db: Database) {
  const counters = new Map<string, number>()
  for (const { rollout_id, hour_at, told_downloads: _, ...counts } of await db
    .selectFrom('rollout_hour')
    .selectAll()
    .execute()) {
    for (const [name, count] of Object.entries(counts)) {
      if (count > 0) counters.set(`${rollout_id} ${hour_at} ${name}`, count)
    }
  }
  for (const { period, starts_at, devices } of await db.selectFrom('activity').selectAll().execute()) {
    const key = `${period} ${starts_at}`
    counters.set(key, (counters.get(key) ?? 0) + devices)
  }
  return counters
}

describeOnEveryDatabase('the fleet counters', (open, database) => {
  let db: Database
  beforeAll(async () => {
    db = await open()
    await insertApp(db)
  })

  test('count every fact once, whatever is written again, and however batches are made', () =>
    fc.assert(
      fc.asyncProperty(history, async ({ batches, again, wholeAgain, order }) => {
        await forgetFleet(db)
        const written: Told[] = []
        const all: Told[][] = []
        let at = START
        for (const [index, steps] of batches.entries()) {
          const fresh = steps.map((step) => tell(step, (at += step.afterMs)))
          const repeated = again.flatMap(([batch, old]) => (batch === index ? (written[old] ?? []) : []))
          const mixed = [...fresh, ...repeated].map((told) => [order.next().value ?? 0, told] as const)
          all.push(mixed.sort(([a], [b]) => a - b).map(([, told]) => told))
          written.push(...fresh)
          await write(db, all[index] ?? [], index + 1)
          for (const old of wholeAgain) if (old <= index) await write(db, all[old] ?? [], old + 1)
        }
        expect(await found(db)).toEqual(expected(written))
        expect(await foundBelief(db)).toEqual(expectedBelief(written))
        await requireWholeSamples(db)
        const downloads = await db.selectFrom('download_hour').selectAll().execute()
        expect(downloads).toMatchObject([{ downloads: batches.length }])
      }),
      { numRuns: database === 'sqlite' ? 200 : 25 },
    ))

  function write(db: Database, told: readonly Told[], number: number): Promise<void> {
    const downloads = [{ sha256: 'aa', release_id: '', hour_at: START, downloads: 1, sent_bytes: 10 }]
    return writeFleetBatch(db, {
      notes: told.flatMap(({ note }) => note ?? []),
      reports: told.flatMap(({ report }) => report ?? []),
      counts: { source: 'source-1', number, checks: [], downloads, notKept: [] },
      writtenAt: START,
    })
  }
})
