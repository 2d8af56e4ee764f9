import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '../../../ground/database/migrate.ts'
import { openDatabase } from '../../../ground/database/open-database.ts'
import type { Database } from '../../../ground/database/schema.ts'
import { createFleetService } from '../fleet-service.ts'
import { createFleetWriterThread, type FleetWriter } from './fleet-writer.ts'
import { createFakeTime } from '../testing/fake-time.ts'
import { aBatch, aNote, APP_ID, aReport, createRecordingLog, failureOf, insertApp } from '../testing/fixtures.ts'
import { APP, createTestDevices } from '../testing/test-devices.ts'

let directory: string
let path: string
let db: Database
const writers: FleetWriter[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hotpatch-fleet-'))
  path = join(directory, 'hotpatch.db')
  db = openDatabase({ kind: 'sqlite', path })
  await migrate(db)
  await insertApp(db)
})

afterEach(async () => {
  await Promise.all(writers.splice(0).map((writer) => writer.close()))
  await db.destroy()
  await rm(directory, { recursive: true })
})

function openWriter(script?: URL) {
  const time = createFakeTime()
  const { log, lines } = createRecordingLog()
  const writer = createFleetWriterThread({ path, ...time, log, ...(script && { script }) })
  writers.push(writer)
  return { writer, time, log, lines }
}

/** A thread of another kind. */
async function scriptOf(source: string): Promise<URL> {
  const file = join(directory, 'thread.mjs')
  await writeFile(file, `import { parentPort } from 'node:worker_threads'\n${source}`)
  return pathToFileURL(file)
}

const devices = () => db.selectFrom('device').select('device_id').orderBy('device_id').execute()

test('another thread writes the file', async () => {
  const { writer } = openWriter()
  await Promise.all(['a', 'b', 'c'].map((deviceId) => writer.write(aBatch({ notes: [aNote({ deviceId })] }))))
  expect((await devices()).map(({ device_id }) => device_id)).toEqual(['a', 'b', 'c'])
})

test('what the database refuses is rejected with its code, and the thread lives on', async () => {
  const { writer, lines } = openWriter()
  await expect(writer.write(aBatch({ notes: [aNote({ appId: 'gone' })] }))).rejects.toMatchObject({
    message: expect.stringMatching(/FOREIGN KEY/),
    errcode: 787,
  })
  await writer.write(aBatch({ notes: [aNote()] }))
  expect(lines).toEqual([])
})

test('closing waits for what was asked for', async () => {
  const { writer } = openWriter()
  const written = writer.write(aBatch({ notes: [aNote()] }))
  await writer.close()
  await written
  expect(await devices()).toHaveLength(1)
  await expect(writer.write(aBatch())).rejects.toThrow('closed')
})

test('it waits for a transaction of the management API', async () => {
  const { writer } = openWriter()
  let written: Promise<void> | undefined
  await db.transaction().execute(async (tx) => {
    await tx.updateTable('app').set({ name: 'Shop' }).execute()
    written = writer.write(aBatch({ notes: [aNote()] }))
  })
  await written
  expect(await devices()).toHaveLength(1)
})

test('a thread that dies rejects what waits, is replaced after a pause that grows, and is spoken of', async () => {
  const script = await scriptOf(`parentPort.on('message', () => { throw new Error('boom') })`)
  const { writer, time, lines } = openWriter(script)
  const both = await Promise.all([failureOf(writer.write(aBatch())), failureOf(writer.write(aBatch()))])
  expect(both.map(String)).toEqual(['Error: boom', 'Error: boom'])
  await expect(writer.write(aBatch())).rejects.toThrow('starts again')
  await time.advance(100)
  await expect(writer.write(aBatch())).rejects.toThrow('boom')
  await time.advance(199)
  await expect(writer.write(aBatch())).rejects.toThrow('starts again')
  await time.advance(1)
  await expect(writer.write(aBatch())).rejects.toThrow('boom')
  expect(lines).toHaveLength(3)
})

test.each([-86_400_000, 86_400_000])('the pause is as long when the clock is set by %i ms in it', async (byMs) => {
  const { writer, time } = openWriter(await scriptOf(`parentPort.on('message', () => { throw new Error('boom') })`))
  await failureOf(writer.write(aBatch()))
  time.set(time.clock.now() + byMs)
  await time.advance(99)
  await expect(writer.write(aBatch())).rejects.toThrow('starts again')
  await time.advance(1)
  await expect(writer.write(aBatch())).rejects.toThrow('boom')
})

test('a thread that ends by itself is no different', async () => {
  const { writer } = openWriter(await scriptOf(`parentPort.on('message', () => process.exit(3))`))
  await expect(writer.write(aBatch())).rejects.toThrow('ended with code 3')
})

test('the fleet goes through a crash of the thread without losing anything', async () => {
  const real = new URL('./fleet-writer-worker.ts', import.meta.url)
  const flag = JSON.stringify(join(directory, 'crashed'))
  const script = await scriptOf(`import { existsSync, writeFileSync } from 'node:fs'
    if (existsSync(${flag})) await import(${JSON.stringify(real.href)})
    else parentPort.on('message', () => { writeFileSync(${flag}, ''); throw new Error('boom') })`)
  const { writer, time, log } = openWriter(script)
  const fleet = createFleetService({ db, writer, ...time, log })
  fleet.noteCheck(aNote({ deviceId: 'checked', at: time.clock.now() }))
  const refused = failureOf(fleet.recordEvents(APP_ID, [aReport()]))
  await time.advance(25)
  expect(await refused).toMatchObject({ type: 'unavailable' })
  await time.advance(100)
  const { items } = await createTestDevices(db, fleet).list(APP, {}, {})
  expect(items.map(({ id }) => id).sort()).toEqual(['checked', 'device-1'])
  expect(fleet.counters()).toMatchObject({ failedWrites: 1, bufferedNotes: 0, bufferedEvents: 0 })
})

test('what was written by a thread that died before it said so counts once', async () => {
  const urlOf = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const flag = JSON.stringify(join(directory, 'written'))
  const script = await scriptOf(`import { existsSync, writeFileSync } from 'node:fs'
    import { workerData } from 'node:worker_threads'
    if (existsSync(${flag})) await import(${urlOf('./fleet-writer-worker.ts')})
    else {
      const { openDatabase } = await import(${urlOf('../../../ground/database/open-database.ts')})
      const { writeFleetBatch } = await import(${urlOf('./batch-store.ts')})
      const db = openDatabase({ kind: 'sqlite', path: workerData.path })
      parentPort.on('message', async ({ question }) => {
        await writeFleetBatch(db, question)
        writeFileSync(${flag}, '')
        process.exit(1)
      })
    }`)
  const { writer, time, log } = openWriter(script)
  const fleet = createFleetService({ db, writer, ...time, log })
  const rollout = { id: 'rollout-1', startedAt: 0 }
  const at = time.clock.now()
  fleet.noteCheck(aNote({ deviceId: 'checked', rolloutId: 'rollout-1', at }))
  fleet.noteDownload({ sha256: 'aa', releaseId: 'r', isWhole: true }, 1_000)
  const refused = failureOf(fleet.recordEvents(APP_ID, [aReport({ rollout, receivedBytes: 50 })]))
  await time.advance(25)
  expect(await refused).toMatchObject({ type: 'unavailable' })
  const again = fleet.recordEvents(APP_ID, [aReport({ rollout, receivedBytes: 50 })])
  fleet.noteDownload({ sha256: 'aa', releaseId: 'r', isWhole: true }, 500)
  await time.advance(2_000)
  await again
  await fleet.stop()
  expect(await db.selectFrom('rollout_hour').selectAll().execute()).toMatchObject([
    { running: 1, applied: 1, attempted: 2, received_bytes: 50 },
  ])
  expect(await db.selectFrom('check_hour').selectAll().execute()).toMatchObject([{ checks: 1 }])
  expect(await db.selectFrom('download_hour').selectAll().execute()).toMatchObject([
    { downloads: 2, sent_bytes: 1_500 },
  ])
  const days = await db.selectFrom('activity').selectAll().where('period', '=', 'day').execute()
  expect(days.reduce((sum, { devices }) => sum + devices, 0)).toBe(2)
})
