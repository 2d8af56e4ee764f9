import type { Clock, Timers } from '../clock.ts'
import type { Log } from '../log.ts'
import { NO_TRACES, type Traces } from './traces.ts'
import type { TracesConfig } from './traces-config.ts'

export interface ForTraces {
  clock: Clock
  timers: Timers
  newId: () => string
  /** From 0 to 1. */
  random: () => number
  log: Log
}

/** @param config null: nobody collects any, and nothing of it is loaded */
export async function openTraces(config: TracesConfig | null, given: ForTraces): Promise<Traces> {
  if (config === null) return NO_TRACES
  const { startTraces } = await import('./otlp/start-traces.ts')
  return startTraces(config, given)
}
