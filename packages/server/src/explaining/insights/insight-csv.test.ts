import type { App } from '@hotpatch/api'
import { startTestServer, type TestServer } from '@hotpatch/testkit'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { createInsightFixtures, DAY, HOUR, NOW, RELEASES } from './testing/insight-fixtures.ts'

let server: TestServer
let db: Database
let app: App
let rollout: string
let experiment: string

// On a file, where another thread reads.
beforeAll(async () => {
  server = await startTestServer({ onFile: true, clock: { now: () => NOW } })
  app = await server.createTestApp()
  db = openDatabase({ kind: 'sqlite', path: join(server.directory, 'hotpatch.db') })
  const fixtures = createInsightFixtures(db, app.id)
  await fixtures.insertReleases()
  await fixtures.devices(3, { current_release_id: RELEASES[0].id })
  const today = NOW - (NOW % DAY)
  await fixtures.activity({ period: 'day', starts_at: today, devices: 5, version: '=1+1' })
  await fixtures.activity({ period: 'day', starts_at: today - DAY, devices: 3 })
  await fixtures.checks({ hour_at: NOW - (NOW % HOUR), checks: 9, reason: 'paused' })
  await fixtures.downloads(RELEASES[0], { hour_at: NOW - (NOW % HOUR), downloads: 2, sent_bytes: 2_000 })
  rollout = await fixtures.rollout()
  await fixtures.devices(4, { current_release_id: RELEASES[0].id, rollout_id: rollout })
  experiment = await fixtures.experiment('colours', { red: rollout })
  await fixtures.rolloutHour(rollout, { hour_at: NOW - (NOW % HOUR), attempted: 6, attempted_bad: 1, running: 5 })
})
afterAll(async () => {
  await db.destroy()
  await server.close()
})

const urlOf = (path: string) => `/manage/v1/apps/${app.slug}/insights/${path}`

/** Every value of an answer, as text. */
function valuesOf(value: unknown): string[] {
  if (value === null) return ['']
  if (typeof value === 'object') return Object.values(value).flatMap(valuesOf)
  return [typeof value === 'string' ? value : JSON.stringify(value)]
}

const isOfNowAlone = (column: string) => column.endsWith('_now_devices') && column !== 'running_now_devices'

test.each([
  ['overview', 'known', ['known_devices', 'active_last_day_devices', 'checks_per_minute', 'sent_bytes']],
  ['active', 'points', ['at', 'active_devices']],
  ['checks', 'points', ['at', 'checks', 'checks_per_minute']],
  ['reasons', 'reasons', ['reason', 'checks', 'share_fraction', 'explanation']],
  ['downloads', 'points', ['at', 'downloads', 'sent_bytes']],
  ['releases/health', 'releases', ['version', 'attempted_devices', 'bad_low_fraction']],
  ['adoption', 'points', ['at', 'ever_ran_devices', 'ever_ran_fraction', 'running_now_devices']],
  ['experiment', 'arms', ['rollout_id', 'stuck_devices', 'crashed_high_fraction']],
])('%s is the same as CSV and as JSON', async (name, list, columns) => {
  const path = { adoption: `rollouts/${rollout}/adoption`, experiment: `experiments/${experiment}` }[name] ?? name
  const json = await server.request('GET', urlOf(path))
  const csv = await server.request('GET', `${urlOf(path)}?format=csv`)
  expect([json.status, csv.status]).toEqual([200, 200])
  expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8; header=present')
  expect(csv.headers['content-disposition']).toMatch(/^attachment; filename="demo-[a-z-]+\.csv"$/)
  const rows = parse(csv.body as string, { columns: true }) as Record<string, string>[]
  expect(Object.keys(rows[0] ?? {})).toEqual(expect.arrayContaining(columns))
  const listed = json.body[list] as unknown
  if (Array.isArray(listed)) expect(rows).toHaveLength(listed.length)
  // Every cell is a value of the JSON; those of a whole series are all of them, in order.
  const values = valuesOf(json.body)
  for (const row of rows) expect(values).toEqual(expect.arrayContaining(Object.values(row)))
  // What is of now alone is said once for all points, and stands in the last row.
  const series = (row: Record<string, string>) => Object.entries(row).filter(([column]) => !isOfNowAlone(column))
  if (list === 'points') {
    expect(rows.flatMap((row) => series(row).map(([, value]) => value))).toEqual(valuesOf(listed))
  }
})

test('versions have a row for each version in each bucket, and none is a formula', async () => {
  const { body } = await server.request('GET', urlOf('versions'))
  const csv = await server.request('GET', urlOf('versions'), { headers: { accept: 'text/csv' } })
  const rows = parse(csv.body as string, { columns: true }) as Record<string, string>[]
  expect(body.versions).toEqual(['=1+1', null])
  expect(rows.slice(-2).map(({ version, active_devices }) => [version, active_devices])).toEqual([
    ["'=1+1", '5'],
    ['', '0'],
  ])
  expect(rows).toHaveLength(body.points.length * 2)
})

test('JSON comes when it is asked for, whatever the client would take', async () => {
  const response = await server.request('GET', urlOf('active?format=json'), { headers: { accept: 'text/csv' } })
  expect(response.body.points).toHaveLength(8)
})
