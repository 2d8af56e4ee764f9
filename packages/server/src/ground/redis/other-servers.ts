import { type CancelTimer, type Clock, elapsedOn, SECOND_MS, type Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { loadRedisClient } from './redis-client.ts'
import type { RedisConfig } from './redis-config.ts'
import { createRedisLine } from './redis-line.ts'
import { channelOf, createMessageReader, createMessageWriter, type Message } from './sealed-messages.ts'

/** The processes of all machines that serve the same deployment, as one process knows them. */
export interface OtherServers {
  /** Of this process, until it ends. */
  id: string
  /** What others tell. */
  on(topic: string, listener: (body: unknown, from: string) => void): void
  /** To all others. False: it was not sent. True: it may arrive. */
  tell(topic: string, body: unknown): boolean
  /** Called when they can be heard, at first and again: whatever was known before is to be read anew. */
  onHeard(listener: () => void): void
  /** Called with the ids of those that are there, whenever others are. */
  onOthers(listener: (ids: ReadonlySet<string>) => void): void
  start(): void
  close(): void
  counters(): OtherServersCounters
}

interface OtherServersCounters {
  isReachable: boolean
  /** Processes that were heard of lately. */
  processes: number
  /** Messages that were not of ours, or not of now. */
  refused: number
  /** What others were not told. */
  untold: number
}

const HERE = 'here'
const HERE_EVERY_MS = 5 * SECOND_MS
/** Who says nothing for as long has ended. */
const GONE_MS = 4 * HERE_EVERY_MS

/**
 * Knows the others over Redis. Nothing is kept there: servers tell each other what is of the moment, sealed with a key
 * that only they have.
 * @param keys secrets that all servers have; the first seals, each opens
 */
export async function joinOtherServers({
  config,
  keys,
  clock,
  timers,
  log,
}: {
  config: RedisConfig
  keys: readonly string[]
  clock: Clock
  timers: Timers
  log: Log
}): Promise<OtherServers> {
  const [key = ''] = keys
  const writer = createMessageWriter({ key, clock })
  const readers = new Map(keys.map((each) => [channelOf(each), createMessageReader({ key: each, clock })]))
  const listeners = new Map<string, (body: unknown, from: string) => void>()
  const onHeard: (() => void)[] = []
  const onOthers: ((ids: ReadonlySet<string>) => void)[] = []
  const others = createPresence({ clock, onChange: (ids) => onOthers.forEach((listener) => listener(ids)) })
  let cancelHere: CancelTimer = () => undefined
  let refused = 0
  let untold = 0

  const line = createRedisLine({
    makeClient: await loadRedisClient(config),
    channel: channelOf(key),
    channels: [...readers.keys()],
    onMessage(channel, bytes) {
      const message = readers.get(channel)?.read(bytes)
      if (message) hear(message)
      else refused++
      return message !== undefined
    },
    onUp() {
      sayHere()
      for (const listener of onHeard) listener()
    },
    onDown() {
      cancelHere()
      others.forget()
    },
    clock,
    timers,
    log,
  })

  function hear({ from, topic, body }: Message): void {
    // Whoever publishes hears it, too.
    if (from === writer.id) return
    others.see(from)
    listeners.get(topic)?.(body, from)
  }

  function sayHere(): void {
    others.forgetGone()
    tell(HERE, null)
    cancelHere = timers.after(HERE_EVERY_MS, sayHere)
  }

  function tell(topic: string, body: unknown): boolean {
    const message = line.isUp() ? writer.write(topic, body) : undefined
    const isSent = message !== undefined && line.publish(message)
    if (!isSent) untold++
    return isSent
  }

  return {
    id: writer.id,
    on: (topic, listener) => void listeners.set(topic, listener),
    tell,
    onHeard: (listener) => void onHeard.push(listener),
    onOthers: (listener) => void onOthers.push(listener),
    start: line.start,
    close() {
      cancelHere()
      line.close()
    },
    counters: () => ({ isReachable: line.isUp(), processes: others.count(), refused, untold }),
  }
}

/** Who was heard of lately. */
function createPresence({ clock, onChange }: { clock: Clock; onChange: (ids: ReadonlySet<string>) => void }) {
  const heardAt = new Map<string, number>()
  const tell = () => onChange(new Set(heardAt.keys()))

  function see(id: string): void {
    const isNew = !heardAt.has(id)
    heardAt.set(id, elapsedOn(clock))
    if (isNew) tell()
  }

  function forgetGone(): void {
    const before = heardAt.size
    const now = elapsedOn(clock)
    for (const [id, at] of heardAt) if (now - at > GONE_MS) heardAt.delete(id)
    if (heardAt.size !== before) tell()
  }

  function forget(): void {
    heardAt.clear()
    tell()
  }

  return { see, forgetGone, forget, count: () => heardAt.size }
}
