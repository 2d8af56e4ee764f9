import type { FastifyInstance } from 'fastify'
import type { Dialect } from 'kysely'
import type { OnAnswered } from '../http/device-lane.ts'
import type { StorageDriver } from '../storage/storage-driver.ts'

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** What is under way, named by its kind: never by what somebody sent, and never by whom it is about. */
export interface NewSpan {
  name: string
  /** Of a request that is answered, or of one that is sent; neither, when left out. */
  kind?: 'server' | 'client'
  attributes?: SpanAttributes
}

/** What may be said of it meanwhile. */
export interface RunningSpan {
  add(attributes: SpanAttributes): void
  /** It came to nothing, without an error having been thrown. */
  fail(why: string): void
  /** What W3C's header of this name says to whom is asked. Undefined where there are no traces. */
  traceparent: string | undefined
}

/** What the server tells a collector of traces of its work, if there is one. */
export interface Traces {
  /** Something that the server does by itself: a trace of its own, whatever it came from. */
  run<Result>(span: NewSpan, work: (span: RunningSpan) => Promise<Result>): Promise<Result>
  /** What is asked of a database is part of whatever asks. */
  ofDatabase(dialect: Dialect, system: 'sqlite' | 'postgresql'): Dialect
  /** The same of a storage. */
  ofStorage(driver: StorageDriver, kind: string): StorageDriver
  /** A trace for each request of people. To be called when it is settled who may call. */
  ofRequests(app: FastifyInstance): void
  /** Undefined: nothing of what devices ask is traced. */
  onDeviceAnswered: OnAnswered | undefined
  /** Sends what is left, as far as that does not take long. */
  stop(): Promise<void>
}

const NOT_TRACED: RunningSpan = { add: () => undefined, fail: () => undefined, traceparent: undefined }

/** Nobody collects any: nothing is in the way of anything. */
export const NO_TRACES: Traces = {
  run: (_span, work) => work(NOT_TRACED),
  ofDatabase: (dialect) => dialect,
  ofStorage: (driver) => driver,
  ofRequests: () => undefined,
  onDeviceAnswered: undefined,
  stop: () => Promise.resolve(),
}
