import { SpanStatusCode } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { Kysely, sql } from 'kysely'
import { problem } from '@hotpatch/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { NodeSqliteDialect } from '../../database/sqlite-dialect.ts'
import { samplerOf } from './sampler.ts'
import { createSpans } from './spans.ts'
import { traceAnsweredDevices } from './traced-requests.ts'
import { traceDialect } from './traced-dialect.ts'

interface Tables {
  person: { name: string }
}

/** A time before the process began would be taken for one since then. */
const BEGINNING = 1_800_000_000_000

function tracing(sampling = { followsCaller: true, ratio: 1 }) {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    sampler: samplerOf(sampling),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  let elapsed = 0
  const clock = { now: () => BEGINNING, elapsed: () => elapsed }
  const spans = createSpans({ tracer: provider.getTracer('test'), clock })
  const told = () =>
    exporter.getFinishedSpans().map(({ name, parentSpanContext, status, attributes, spanContext }) => ({
      name,
      parent: exporter.getFinishedSpans().find((each) => each.spanContext().spanId === parentSpanContext?.spanId)?.name,
      why: status.code === SpanStatusCode.ERROR ? attributes['error.type'] : undefined,
      id: spanContext,
    }))
  return { exporter, spans, told, wait: (ms: number) => (elapsed += ms) }
}

test('what happens later has its time by the clock that nobody sets', async () => {
  const { spans, wait, exporter } = tracing()
  await spans.run({ name: 'round' }, async () => {
    wait(2_500)
    await spans.step({ name: 'part' }, async () => void wait(250))
  })
  const times = exporter.getFinishedSpans().map(({ name, startTime, endTime }) => [name, startTime, endTime])
  expect(times).toEqual([
    ['part', [1_800_000_002, 500_000_000], [1_800_000_002, 750_000_000]],
    ['round', [1_800_000_000, 0], [1_800_000_002, 750_000_000]],
  ])
})

test('a timer that was set in something is no part of it when that is over', async () => {
  const { spans, told } = tracing()
  const fired = Promise.withResolvers<void>()
  await spans.run({ name: 'request' }, async () => {
    setImmediate(() => void spans.step({ name: 'later' }, async () => undefined).then(fired.resolve))
  })
  await fired.promise
  expect(told().map(({ name }) => name)).toEqual(['request'])
})

test('a round that begins in a request has a trace of its own', async () => {
  const { spans, told } = tracing()
  await spans.run({ name: 'request' }, () => spans.run({ name: 'round' }, async () => undefined))
  expect(told()).toEqual([
    expect.objectContaining({ name: 'round', parent: undefined }),
    expect.objectContaining({ name: 'request' }),
  ])
})

test('of an error its kind is told, and never what it says', async () => {
  const { spans, told, exporter } = tracing()
  const errors = [
    problem('app-not-found', 'hidden'),
    Object.assign(new Error('hidden'), { code: '23505' }),
    new TypeError('hidden'),
  ]
  for (const error of errors) {
    const failing = spans.run({ name: 'round' }, () => Promise.reject(error))
    await expect(failing).rejects.toBe(error)
  }
  expect(told().map(({ why }) => why)).toEqual(['app-not-found', '23505', 'TypeError'])
  expect(
    JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events }) => [attributes, events])),
  ).not.toContain('hidden')
})

describe('a caller', () => {
  const parent = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), isRemote: true }
  const begin = (sampling: { followsCaller: boolean; ratio: number }, traceFlags: number) => {
    const { spans, exporter } = tracing(sampling)
    spans.start({ name: 'request' }, { parent: { ...parent, traceFlags } }).end()
    return exporter.getFinishedSpans().length
  }

  test('who sends a trace gets the rest of it, and who does not, none', () => {
    expect(begin({ followsCaller: true, ratio: 0 }, 1)).toBe(1)
    expect(begin({ followsCaller: true, ratio: 1 }, 0)).toBe(0)
  })

  test('is not asked by a sampler that has no parent in its name', () => {
    expect(begin({ followsCaller: false, ratio: 0 }, 1)).toBe(0)
    expect(begin({ followsCaller: false, ratio: 1 }, 0)).toBe(1)
  })
})

test('of devices the part that is asked for is told', () => {
  const { spans, told } = tracing()
  const answered = { route: '/check', method: 'GET', status: 200, seconds: 0.002, requestId: 'r', path: '/check' }
  expect(traceAnsweredDevices({ spans, ratio: 0, random: () => 0 })).toBeUndefined()
  let random = 0.25
  const hear = traceAnsweredDevices({ spans, ratio: 0.25, random: () => random })
  hear?.(answered)
  expect(told()).toEqual([])
  random = 0.2
  hear?.(answered)
  expect(told()).toEqual([expect.objectContaining({ name: 'GET /check' })])
})

describe('a database', () => {
  let traced: ReturnType<typeof tracing>
  let db: Kysely<Tables>

  beforeEach(async () => {
    traced = tracing()
    const dialect = traceDialect(new NodeSqliteDialect(':memory:'), { spans: traced.spans, system: 'sqlite' })
    db = new Kysely<Tables>({ dialect })
    await sql`create table person (name text primary key)`.execute(db)
  })

  const run = (work: () => Promise<unknown>) => traced.spans.run({ name: 'request' }, work)
  const told = () => traced.told().map(({ name, parent, why }) => [name, parent, why])

  test('tells what queries do, and never their values', async () => {
    await run(async () => {
      await db.insertInto('person').values({ name: 'hidden' }).execute()
      await db.selectFrom('person as somebody').selectAll().where('name', '=', 'hidden').execute()
      await db.updateTable('person').set({ name: 'hidden too' }).execute()
      for await (const { name } of db.selectFrom('person').selectAll().stream()) expect(name).toBe('hidden too')
      await db.deleteFrom('person').execute()
      await sql`select ${'hidden'}`.execute(db)
    })
    const names = ['INSERT person', 'SELECT person', 'UPDATE person', 'SELECT person', 'DELETE person', 'query']
    expect(told()).toEqual([...names.map((name) => [name, 'request', undefined]), ['request', undefined, undefined]])
    expect(JSON.stringify(traced.exporter.getFinishedSpans().map(({ attributes }) => attributes))).not.toContain(
      'hidden',
    )
  })

  test('tells of transactions how they ended, and what was in them', async () => {
    const insert = (connection: Kysely<Tables>) => connection.insertInto('person').values({ name: 'one' }).execute()
    await run(() => db.transaction().execute(insert))
    await expect(run(() => db.transaction().execute(insert))).rejects.toThrow('UNIQUE')
    await run(() => db.selectFrom('person').selectAll().execute())
    expect(told()).toEqual([
      ['INSERT person', 'transaction', undefined],
      ['transaction', 'request', undefined],
      ['request', undefined, undefined],
      ['INSERT person', 'transaction', 'ERR_SQLITE_ERROR'],
      ['transaction', 'request', undefined],
      ['request', undefined, 'ERR_SQLITE_ERROR'],
      ['SELECT person', 'request', undefined],
      ['request', undefined, undefined],
    ])
    const outcomes = traced.exporter
      .getFinishedSpans()
      .map(({ attributes }) => attributes['hotpatch.transaction.outcome'])
    expect(outcomes.filter((outcome) => outcome !== undefined)).toEqual(['committed', 'rolled back'])
  })

  test('that is asked outside of anything tells nothing', async () => {
    await db.transaction().execute((tx) => tx.selectFrom('person').selectAll().execute())
    expect(told()).toEqual([])
  })
})
