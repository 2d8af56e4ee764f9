import type { Metrics } from '../ground/http/metrics.ts'
import type { OtherServers } from '../ground/redis/other-servers.ts'
import type { CheckPath } from './check-path.ts'
import type { Core } from './core.ts'
import type { Telling } from './telling.ts'

const FLEET_GAUGES = [
  ['bufferedNotes', 'Devices whose last check waits to be written'],
  ['bufferedEvents', 'Reports that wait to be written'],
  ['droppedNotes', 'Checks that were not noted because the buffer was full'],
  ['droppedStrangers', 'Of these, checks of devices that were not seen before'],
  ['droppedCounts', 'Checks and downloads that were not counted because too many kinds of them waited'],
  ['refusedReports', 'Reports that were refused with 429 because the buffer was full'],
  ['refusedStrangers', 'Of these, reports of devices that were not seen before'],
  ['eventBytes', 'Room that stored events take, about', 'max'],
  ['eventsNotKept', 'Events that were counted and not stored, as there was no room for them'],
  ['writtenBatches', 'Batches written'],
  ['writtenRows', 'Rows written'],
  ['failedWrites', 'Batches that could not be written, and were tried again'],
  ['refusedRows', 'Rows that the database refused for good'],
  ['rememberedFailures', 'Failed releases of devices that are known without the database', 'max'],
  ['knownDevices', 'Devices that keep their room in the buffers when new ones flood in', 'max'],
  ['knownBytes', 'Memory that this takes'],
] as const satisfies readonly [string, string, 'max'?][]

const CONNECTION_GAUGES = [
  ['connections', 'Open connections'],
  ['refusedConnections', 'Connections that were closed at once because there were too many'],
  ['closedIdle', 'Idle connections that were closed to make room for others'],
  ['slowBodies', 'Connections that were closed because a body dripped'],
  ['slowReaders', 'Connections that were closed because an answer was hardly read'],
  ['slowAnswers', 'Connections that were closed because the server was at work for an hour and said nothing'],
] as const

/** Figures that are read when somebody asks for /metrics. */
export function registerGauges(
  { metrics, storage, replica, otherServers, http: { connections } }: Core,
  { fleet }: CheckPath,
  { streams, dispatcher }: Telling,
): void {
  for (const [name, help, together] of FLEET_GAUGES) {
    // What each process knows of the same database is no more for being known often.
    metrics.gauge(`hotpatch_fleet_${snakeCase(name)}`, help, () => fleet.counters()[name], together)
  }
  for (const [name, help] of CONNECTION_GAUGES) {
    metrics.gauge(`hotpatch_${snakeCase(name)}`, help, () => connections.counters()[name])
  }
  const { isReachable } = storage
  if (isReachable)
    metrics.gauge(
      'hotpatch_storage_reachable',
      '1 while the artifact storage answers, else 0',
      () => Number(isReachable()),
      'min',
    )
  if (replica) {
    metrics.gauge(
      'hotpatch_replica_used',
      '1 while figures are read from the read replica, 0 while they are from the primary',
      () => Number(replica.isUsable()),
      'min',
    )
    metrics.gauge(
      'hotpatch_replica_lag_seconds',
      'How much older than the primary the read replica surely is',
      replica.lagSeconds,
      'max',
    )
  }
  if (otherServers) registerServers(metrics, otherServers)
  metrics.gauge('hotpatch_serving_processes', 'Processes that answer requests', () => 1)
  metrics.gauge('hotpatch_live_streams', 'Readers of the live stream', streams.count)
  metrics.gauge('hotpatch_webhooks_in_flight', 'Webhooks that are being sent', dispatcher.inFlight)
}

function registerServers(metrics: Metrics, { counters }: OtherServers): void {
  const gauge = (name: string, help: string, read: () => number, together?: 'min' | 'max') =>
    metrics.gauge(`hotpatch_redis_${name}`, help, read, together)
  gauge(
    'reachable',
    '1 while limits are shared over Redis, 0 while they are local',
    () => Number(counters().isReachable),
    'min',
  )
  gauge('processes', 'Other processes that were heard of over Redis lately', () => counters().processes, 'max')
  gauge('refused_messages', 'Messages that were not sent by these servers just now', () => counters().refused)
  gauge('untold_messages', 'Messages that could not be sent, such as while Redis was away', () => counters().untold)
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
