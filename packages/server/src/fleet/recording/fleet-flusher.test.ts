import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { readReport } from './device-report.ts'
import type { FleetBatch } from './writing/fleet-batch.ts'
import { createFleetBuffer } from './fleet-buffer.ts'
import { createFleetCounts } from './fleet-counts.ts'
import { createFleetFlusher } from './fleet-flusher.ts'
import { createFakeTime } from './testing/fake-time.ts'
import { aNote, APP_ID, aReport, createMemoryWriter, createRecordingLog, failureOf } from './testing/fixtures.ts'

const LIMITS = { batchRows: 500, noteDelayMs: 1_000, reportDelayMs: 25, minRetryMs: 250, maxRetryMs: 5_000 }

function setUp({ maxNotes = 10_000 } = {}) {
  const buffer = createFleetBuffer({ maxNotes, maxReports: 1_000, isKnown: () => true })
  const time = createFakeTime()
  const memory = createMemoryWriter()
  const { log, lines } = createRecordingLog()
  const counts = createFleetCounts({ source: 'source-1', maxCells: 100 })
  const flusher = createFleetFlusher({ ...time, buffer, counts, writer: memory.writer, log, limits: LIMITS })

  function note(count: number, prefix = 'device') {
    for (let index = 0; index < count; index++) {
      buffer.addNote(aNote({ deviceId: `${prefix}-${index}` }))
      flusher.wake()
    }
  }
  function report(deviceId: string) {
    const stored = buffer.addReport(readReport(APP_ID, aReport({ deviceId }), time.clock.now()))
    flusher.wake()
    return stored
  }
  function count(at = time.clock.now()) {
    counts.countCheck(aNote({ at }))
    flusher.wake()
  }
  return { buffer, counts, time, ...memory, lines, flusher, note, report, count }
}

function devicesOf({ notes, reports }: FleetBatch): string[] {
  return [...notes.map(({ deviceId }) => deviceId), ...reports.map(({ device }) => device.device_id)]
}

test('a few checks are written after a second', async () => {
  const { time, batches, note } = setUp()
  note(3)
  await time.advance(999)
  expect(batches).toHaveLength(0)
  await time.advance(1)
  expect(batches.map(({ notes }) => notes.length)).toEqual([3])
  expect(time.waiting()).toBe(0)
})

test('many checks are written at once, 500 in a write', async () => {
  const { time, batches, note, flusher } = setUp()
  note(1_700)
  await time.advance(15)
  expect(batches.map(({ notes }) => notes.length)).toEqual([500, 500, 500])
  await time.advance(1_000)
  expect(batches[3]?.notes).toHaveLength(200)
  expect(flusher.counts()).toMatchObject({ writtenBatches: 4, writtenRows: 1_700, failedWrites: 0 })
})

test('reports that come close together share a write, with the checks that wait', async () => {
  const { time, batches, note, report } = setUp()
  note(2)
  const stored = Promise.all([report('a'), report('b')])
  await time.advance(20)
  const later = report('c')
  await time.advance(5)
  await Promise.all([stored, later])
  expect(batches).toHaveLength(1)
  expect(batches[0]).toMatchObject({ notes: { length: 2 }, reports: { length: 3 } })
})

test('there is one write at a time', async () => {
  const { time, batches, state, note, report, flusher } = setUp()
  const hold = Promise.withResolvers<void>()
  state.hold = hold.promise
  note(1_000)
  await time.advance(5)
  const reading = [flusher.flush(60_000), flusher.flush(60_000)]
  const stored = report('a')
  await time.advance(10_000)
  expect(batches).toHaveLength(0)
  hold.resolve()
  await Promise.all([stored, ...reading])
  expect(state.most).toBe(1)
  expect(batches.map(({ notes }) => notes.length)).toEqual([500, 500])
})

test('while the database is down everything is kept, and tried again ever more rarely', async () => {
  const { time, batches, tries, state, lines, note, flusher, buffer } = setUp()
  state.error = new Error('down')
  note(10)
  await time.advance(1_000)
  expect(tries()).toBe(1)
  await time.advance(250 + 500 + 1_000 + 2_000 + 4_000)
  expect(tries()).toBe(6)
  await time.advance(10_000)
  expect(tries()).toBe(8)
  expect(flusher.counts().failedWrites).toBe(8)
  expect(buffer.sizes().notes).toBe(10)

  note(500, 'more')
  state.error = undefined
  await time.advance(5_000)
  expect(batches.map(({ notes }) => notes.length)).toEqual([500])
  await time.advance(1_000)
  expect(batches[1]?.notes).toHaveLength(10)
  expect(lines).toEqual([
    expect.stringMatching(/^error: the fleet cannot be written/),
    'info: the fleet is written again',
  ])
})

test('a long outage drops checks and counts them', async () => {
  const { time, state, note, buffer } = setUp({ maxNotes: 600 })
  state.error = new Error('down')
  note(600)
  await time.advance(10_000)
  note(50, 'more')
  await time.advance(10_000)
  expect(buffer.sizes().notes).toBe(600)
  expect(buffer.dropped().notes.known).toBe(50)
})

test('whoever waits for a report hears of the failed try, and it is stored later all the same', async () => {
  const { time, batches, state, report } = setUp()
  state.error = new Error('down')
  const stored = report('a')
  const refused = failureOf(stored)
  await time.advance(25)
  expect(await refused).toMatchObject({ type: 'unavailable' })
  const again = report('a')
  state.error = undefined
  await time.advance(250)
  await again
  expect(batches).toHaveLength(1)
  expect(batches[0]?.reports).toHaveLength(1)
})

test('a row that the database refuses does not hold up the others', async () => {
  const { time, batches, writer, lines, note, report, flusher, buffer } = setUp()
  const { write } = writer
  writer.write = (batch) => {
    const isRefused = devicesOf(batch).some((deviceId) => deviceId.startsWith('bad'))
    return isRefused ? Promise.reject(Object.assign(new Error('foreign key'), { code: '23503' })) : write(batch)
  }
  note(20)
  note(1, 'bad')
  const refused = failureOf(report('bad'))
  const stored = report('good')
  await time.advance(25)
  expect(await refused).toMatchObject({ type: 'invalid-request' })
  await stored
  expect(new Set(batches.flatMap(devicesOf)).size).toBe(21)
  expect(flusher.counts()).toMatchObject({ refusedRows: 2, failedWrites: 0 })
  expect(buffer.sizes()).toEqual({ notes: 0, reports: 0 })
  expect(lines).toHaveLength(2)
})

test('reading waits only so long', async () => {
  const { time, state, note, flusher } = setUp()
  state.hold = new Promise(() => undefined)
  note(1)
  const late = failureOf(flusher.flush(5_000))
  await time.advance(5_000)
  expect(await late).toMatchObject({ type: 'unavailable' })
})

test('a flush has what came while an earlier write was under way', async () => {
  const { time, batches, state, note, flusher } = setUp()
  const hold = Promise.withResolvers<void>()
  state.hold = hold.promise
  note(1, 'early')
  await time.advance(1_000)
  note(1, 'late')
  const flushed = flusher.flush(60_000)
  hold.resolve()
  await flushed
  expect(batches.map(({ notes }) => notes[0]?.deviceId)).toEqual(['early-0', 'late-0'])
})

test('stopping writes what is left, also after a failed try', async () => {
  const { time, batches, state, note, report, flusher } = setUp()
  note(700)
  const stored = report('a')
  state.error = new Error('down')
  const refused = failureOf(stored)
  const stopped = flusher.stop(10_000)
  await setImmediate()
  state.error = undefined
  await time.advance(1_000)
  await stopped
  expect(await refused).toMatchObject({ type: 'unavailable' })
  expect(batches.map(({ notes, reports }) => [notes.length, reports.length])).toEqual([
    [500, 1],
    [200, 0],
  ])
  expect(time.waiting()).toBe(0)
})

test('stopping gives up when its time is over, and says what is lost', async () => {
  const { time, state, lines, note, flusher } = setUp()
  state.hold = new Promise(() => undefined)
  note(3)
  const stopped = flusher.stop(10_000)
  await time.advance(9_999)
  expect(lines).toEqual([])
  await time.advance(1_000)
  await stopped
  expect(lines).toEqual([expect.stringMatching(/lost$/)])
})

test.each([-86_400_000, 86_400_000])('its time is as long when the clock is set by %i ms in it', async (byMs) => {
  const { time, state, lines, note, flusher } = setUp()
  note(3)
  state.error = new Error('down')
  const stopped = flusher.stop(10_000)
  await time.advance(5_000)
  time.set(time.clock.now() + byMs)
  await time.advance(4_900)
  expect(lines.filter((line) => line.endsWith('lost'))).toEqual([])
  await time.advance(200)
  await stopped
  expect(lines.filter((line) => line.endsWith('lost'))).toHaveLength(1)
})

test('counts are written with the next batch, or by themselves', async () => {
  const { time, batches, note, count, counts } = setUp()
  note(1)
  count()
  await time.advance(1_000)
  count()
  count()
  await time.advance(1_000)
  expect(batches.map((batch) => [batch.notes.length, batch.counts.number, batch.counts.checks[0]?.checks])).toEqual([
    [1, 1, 1],
    [0, 2, 2],
  ])
  expect(counts.size()).toBe(0)
})

test('counts that could not be written are written as the same packet, whatever came since', async () => {
  const { time, batches, state, count } = setUp()
  state.error = new Error('down')
  count()
  await time.advance(1_000)
  count()
  state.error = undefined
  await time.advance(2_000)
  expect(batches.map(({ counts }) => [counts.number, counts.checks[0]?.checks])).toEqual([
    [1, 1],
    [2, 1],
  ])
})

test('counts are written also when the database refuses every row', async () => {
  const { time, batches, writer, note, count } = setUp()
  const { write } = writer
  writer.write = (batch) =>
    devicesOf(batch).length > 0 ? Promise.reject(Object.assign(new Error('key'), { code: '23503' })) : write(batch)
  note(3)
  count()
  await time.advance(1_000)
  expect(batches.map(({ counts }) => counts.checks[0]?.checks)).toEqual([1])
})

test('stopping writes the counts', async () => {
  const { batches, state, count, time, flusher } = setUp()
  count()
  state.error = new Error('down')
  const stopped = flusher.stop(10_000)
  await setImmediate()
  state.error = undefined
  await time.advance(1_000)
  await stopped
  expect(batches.map(({ counts }) => counts.checks.length)).toEqual([1])
})
