import { readInteger, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'

/**
 * Kits §3.8: how one finds out that a component works. Where it listens, and what a hook runs, the installation says:
 * of what a release says of it nothing is an address, and nothing is run.
 */
export interface KitProbe {
  /** `hook`: what the installation runs; `service`: that its service is running. */
  type: 'http' | 'tcp' | 'hook' | 'service'
  /** Of `http`, such as "/healthz". */
  path?: string
  /** Of `http`: what it has to answer; 200 to 299 when absent. */
  status?: number
  /** How often it is tried before the component is held for broken, 1 to 60. */
  attempts: number
  /** Between two attempts. */
  intervalMs: number
  /** Of one attempt. */
  timeoutMs: number
}

const TYPES = ['http', 'tcp', 'hook', 'service'] as const
const PATH = /^\/[\x21-\x7e]{0,299}$/
const MAX_ATTEMPTS = 60
const MAX_WAIT_MS = 60_000

/** What is taken where a probe does not say it. */
export const PROBE_DEFAULTS = { attempts: 10, intervalMs: 1_000, timeoutMs: 5_000 } as const

/** @throws UnexpectedJsonError */
export function readKitProbe(value: unknown, pointer: string): KitProbe {
  const json = readObject(value, pointer)
  const type = TYPES.find((each) => each === json.type)
  if (type === undefined) throw new UnexpectedJsonError(`${pointer}/type`, `one of ${TYPES.join(', ')}`, json.type)
  const path = readOptional(json.path, (found) =>
    readString(found, `${pointer}/path`, { pattern: PATH, expected: 'a path that begins with "/"' }),
  )
  if ((type === 'http') !== (path !== undefined)) {
    const expected = type === 'http' ? 'a path that begins with "/"' : `nothing, as it is of the type ${type}`
    throw new UnexpectedJsonError(`${pointer}/path`, expected, json.path)
  }
  const status = readOptional(json.status, (found) => readWithin(found, `${pointer}/status`, 100, 599))
  const within = (name: string, least: number, most: number, ofAbsent: number) =>
    readOptional(json[name], (found) => readWithin(found, `${pointer}/${name}`, least, most)) ?? ofAbsent
  return {
    type,
    ...(path !== undefined && { path }),
    ...(status !== undefined && { status }),
    attempts: within('attempts', 1, MAX_ATTEMPTS, PROBE_DEFAULTS.attempts),
    intervalMs: within('interval_ms', 0, MAX_WAIT_MS, PROBE_DEFAULTS.intervalMs),
    timeoutMs: within('timeout_ms', 1, MAX_WAIT_MS, PROBE_DEFAULTS.timeoutMs),
  }
}

function readWithin(value: unknown, pointer: string, least: number, most: number): number {
  const found = readInteger(value, pointer, least)
  if (found > most) throw new UnexpectedJsonError(pointer, `${least} to ${most}`, found)
  return found
}
