import { sql } from 'kysely'
import { SECOND_MS, type CancelTimer, type Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Database } from './schema.ts'

const BEAT = 'replica-beat'
const ROUND_MS = 5_000
/** After the first beat: a replica that keeps up has it by then. */
const FIRST_ROUND_MS = 500
/** At a start, in which it may be about to get the tables that were just made: of these nobody needs to be told. */
const FIRST_LOOKS = 3
/** Whoever takes longer is not there for people who wait. */
const ANSWER_MS = 3_000

export type ReplicaWatch = ReturnType<typeof watchReplica>

/**
 * Whether a read replica is good to read from: it answers, and is not too far behind. A beat is written to the primary
 * every few seconds, by the primary's clock; what the replica has of it says how old everything there is, whichever way
 * it gets it.
 */
export function watchReplica({
  primary,
  replica,
  maxLagMs,
  timers,
  log,
}: {
  primary: Database
  /** To the replica alone. */
  replica: Database
  maxLagMs: number
  timers: Timers
  log: Pick<Log, 'warn' | 'info'>
}) {
  /** Until something is known of it, it is not used, which nobody needs to be told. */
  let state: 'unknown' | 'used' | 'unused' = 'unknown'
  let lagMs: number | undefined
  let beat: number | undefined
  let looks = 0
  let cancel: CancelTimer | undefined
  let isStopped = false
  let round: Promise<void> | undefined

  function leave(why: object, text: string): void {
    if (state === 'unknown' && looks <= FIRST_LOOKS) return
    if (state !== 'unused') log.warn(why, `${text}; the primary is read from in its place`)
    state = 'unused'
  }

  function take(): void {
    if (state === 'unused') log.info({ lagMs }, 'the read replica is read from again')
    state = 'used'
  }

  async function lookOnce(): Promise<void> {
    looks += 1
    try {
      const found = await within(ANSWER_MS, readBeat(replica))
      judge(found)
    } catch (error) {
      fail(error)
    }
    // While the primary is away nothing becomes older.
    beat = await within(ANSWER_MS, writeBeat(primary)).catch(() => beat)
  }

  /** Of what was written a round before. */
  function judge(found: number | undefined): void {
    if (beat === undefined) return
    lagMs = found !== undefined && found >= beat ? 0 : beat - (found ?? 0)
    if (lagMs <= maxLagMs) take()
    else leave({ lagMs, maxLagMs }, 'the read replica is too far behind')
  }

  function fail(error: unknown): void {
    if (!isStopped) leave({ err: error }, 'the read replica does not answer')
  }

  function schedule(delayMs: number): void {
    if (isStopped) return
    cancel = timers.after(delayMs, () => {
      round = lookOnce().finally(() => schedule(ROUND_MS))
    })
  }

  async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
    const late = Promise.withResolvers<never>()
    const cancelLate = timers.after(limitMs, () =>
      late.reject(new Error(`No answer within ${limitMs / 1000} seconds.`)),
    )
    return Promise.race([work, late.promise]).finally(cancelLate)
  }

  return {
    start() {
      round = lookOnce().finally(() => schedule(FIRST_ROUND_MS))
    },
    async stop() {
      isStopped = true
      cancel?.()
      await round
    },
    isUsable: () => state === 'used',
    /** It did not answer somebody; the next round looks again. */
    fail,
    /** How much older than the primary's it surely is what stands there; 0 until that is known. */
    lagSeconds: () => (lagMs ?? 0) / SECOND_MS,
  }
}

/** @returns the primary's time in milliseconds */
async function writeBeat(primary: Database): Promise<number> {
  const { rows } = await sql<{ value: string }>`insert into server_setting (name, value)
    values (${BEAT}, (extract(epoch from clock_timestamp()) * 1000)::bigint::text)
    on conflict (name) do update set value = excluded.value returning value`.execute(primary)
  return Number(rows[0]?.value)
}

async function readBeat(replica: Database): Promise<number | undefined> {
  const row = await replica.selectFrom('server_setting').select('value').where('name', '=', BEAT).executeTakeFirst()
  return row && Number(row.value)
}
