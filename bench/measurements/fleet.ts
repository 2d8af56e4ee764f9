import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Finding, Measurement } from '../finding.ts'
import { fleetRequests } from '../fleet-requests.ts'
import { openLoad, type Load } from '../load.ts'
import { mainThreadMicroseconds, peakResidentMib, readMetrics, residentMib } from '../process-usage.ts'
import { makeDirectory, removeDirectory, startWithClock } from '../sandbox.ts'
import { seed } from '../seed.ts'
import { median } from '../statistics.ts'

const HOUR_MS = 60 * 60 * 1000
/** After what the seed holds. */
const START = Date.parse('2027-01-01T06:00:00Z')
const DAYS = 3
const HOURS = 24
const RELEASES = 10
const CONNECTIONS = 64
const LOOK_MS = 100
/** Of design §6: at most one batched write for so many checks. */
const CHECKS_PER_WRITE = 500

type Server = Awaited<ReturnType<typeof startWithClock>>
type Metrics = Awaited<ReturnType<typeof readMetrics>>

/** A whole fleet lives with one server: every device checks once a day, a twenty-fourth of them in each hour. */
export const fleet: Measurement = {
  name: 'fleet',
  async measure(bench) {
    const devices = bench.choose(1_000_000, 50_000)
    const directory = makeDirectory()
    await seed(directory, { releases: RELEASES, devices: 0 })
    const before = databaseBytes(directory)
    const server = await startWithClock(directory, START)
    const residentAtStart = residentMib(server.pid)
    const makeRequest = fleetRequests(server.port, { devices, releases: RELEASES })
    const load = await openLoad({ port: server.port, connections: CONNECTIONS, makeRequest })
    const perSecond: number[] = []
    const cost: number[] = []
    const startedAt = performance.now()
    for (let day = 0; day < DAYS; day++) {
      const hours = await liveOneDay(server, load, devices)
      perSecond.push(...hours.map((hour) => hour.perSecond))
      cost.push(...hours.map((hour) => hour.microseconds))
      bench.say(`  day ${day + 1}: ${Math.round(median(hours.map((hour) => hour.perSecond)))} checks/s`)
    }
    const seconds = (performance.now() - startedAt) / 1000
    const metrics = await readMetrics(server.url)
    const [resident, peak] = [residentMib(server.pid), peakResidentMib(server.pid)]
    load.close()
    await server.stop()
    const perDevice = (databaseBytes(directory) - before) / devices
    removeDirectory(directory)
    return [
      ...speed(devices, { perSecond, cost, seconds }),
      writes(devices, metrics),
      {
        what: 'database of the fleet, for each device',
        value: perDevice,
        unit: 'bytes',
        note: `SQLite, after ${DAYS} checks of each; it grows with devices and hours, not with checks`,
      },
      {
        what: 'resident memory with the fleet',
        value: resident,
        unit: 'MiB',
        note: `${residentAtStart.toFixed(0)} MiB before the first check, ${peak.toFixed(0)} MiB at most`,
      },
    ]
  },
}

interface Hour {
  perSecond: number
  microseconds: number
}

async function liveOneDay(server: Server, load: Load, devices: number): Promise<Hour[]> {
  const hours: Hour[] = []
  for (let hour = 0; hour < HOURS; hour++) {
    const count = Math.floor(((hour + 1) * devices) / HOURS) - Math.floor((hour * devices) / HOURS)
    const before = mainThreadMicroseconds(server.pid)
    const { perSecond } = await load.send(count)
    hours.push({ perSecond, microseconds: (mainThreadMicroseconds(server.pid) - before) / count })
    // What is written behind the checks of an hour has the whole hour for it.
    await untilWritten(server)
    await server.advance(HOUR_MS)
  }
  return hours
}

async function untilWritten({ url }: Server): Promise<void> {
  for (;;) {
    const metrics = await readMetrics(url)
    if (metrics('hotpatch_fleet_buffered_notes') === 0) return
    await wait(LOOK_MS)
  }
}

function speed(
  devices: number,
  { perSecond, cost, seconds }: { perSecond: number[]; cost: number[]; seconds: number },
): Finding[] {
  const all = `${(devices * DAYS).toLocaleString('en-US')} checks`
  return [
    {
      what: `check, of a fleet of ${devices.toLocaleString('en-US')}`,
      value: median(perSecond),
      unit: '/s',
      note: `median of the hours; ${median(cost).toFixed(0)} µs of the serving thread each`,
    },
    {
      what: 'checks, with all that they leave written',
      value: (devices * DAYS) / seconds,
      unit: '/s',
      note: `${all} in ${seconds.toFixed(0)} s, waiting after each hour until it is written`,
    },
  ]
}

function writes(devices: number, metrics: Metrics): Finding {
  const batches = metrics('hotpatch_fleet_written_batches')
  const rows = metrics('hotpatch_fleet_written_rows')
  const dropped = metrics('hotpatch_fleet_dropped_notes')
  const perWrite = (devices * DAYS) / batches
  return {
    what: 'checks for each batch written',
    value: perWrite,
    unit: 'checks',
    budget: `>= ${CHECKS_PER_WRITE}`,
    met: perWrite >= CHECKS_PER_WRITE,
    note: `${batches} batches of ${(rows / batches).toFixed(0)} rows; ${dropped} checks were not noted`,
  }
}

function databaseBytes(directory: string): number {
  return ['hotpatch.db', 'hotpatch.db-wal']
    .map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)
}
