import { parseArgs } from 'node:util'

export const FAULT_KINDS = [
  'kill-server',
  'kill-worker',
  'kill-database',
  'storage-gone',
  'redis-gone',
  'disk-full',
  'clock-jump',
  'slow-clients',
  'broken-clients',
] as const
export type FaultKind = (typeof FAULT_KINDS)[number]

export const KILL_KINDS = ['kill-server', 'kill-worker', 'kill-database'] as const

export type DatabaseKind = 'sqlite' | 'postgres'
/** Where artifacts are: on the disk, or in a bucket of an object store that PostgreSQL's servers share. */
export type StorageKind = 'disk' | 'bucket'

export interface SoakOptions {
  minutes: number
  seed: string
  kills: number
  /** Of each kind of fault that is no kill. Undefined: one a minute. */
  others: number | undefined
  devices: number
  checksPerSecond: number
  /** Processes of the first server that serve; a second server has one. */
  workers: number
  databases: readonly DatabaseKind[]
  /** Of PostgreSQL: SQLite's are always on the disk. */
  storage: StorageKind
  faults: readonly FaultKind[]
  /** Where everything goes that the servers print; undefined: nowhere. */
  logs: string | undefined
}

export class WrongUsage extends Error {}

const BOUNDS = {
  minutes: [0.1, 24 * 60],
  kills: [0, 10_000],
  others: [0, 10_000],
  devices: [100, 5_000_000],
  rate: [1, 5_000],
  workers: [1, 8],
} as const

/** @throws WrongUsage with what was expected and found */
export function readOptions(args: readonly string[]): SoakOptions {
  const { values } = parse(args)

  function number(name: keyof typeof BOUNDS, initially: number): number {
    const [least, most] = BOUNDS[name]
    const value = values[name] === undefined ? initially : Number(values[name])
    if (value >= least && value <= most) return value
    throw new WrongUsage(`--${name}: expected a number from ${least} to ${most}, found ${values[name]}.`)
  }

  return {
    minutes: number('minutes', 10),
    seed: values.seed ?? 'hotpatch',
    kills: Math.round(number('kills', 30)),
    others: values.others === undefined ? undefined : Math.round(number('others', 0)),
    devices: Math.round(number('devices', 1_000_000)),
    checksPerSecond: number('rate', 100),
    workers: Math.round(number('workers', 2)),
    databases: readList('database', values.database, ['sqlite', 'postgres']),
    storage: readList('storage', values.storage ?? 'bucket', ['disk', 'bucket'])[0] ?? 'bucket',
    faults: readList('faults', values.faults, FAULT_KINDS),
    logs: values.logs,
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: text,
        seed: text,
        kills: text,
        others: text,
        devices: text,
        rate: text,
        workers: text,
        database: text,
        storage: text,
        faults: text,
        logs: text,
      },
    })
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error))
  }
}

/** All of them when the option is absent. */
function readList<Item extends string>(name: string, text: string | undefined, known: readonly Item[]): Item[] {
  if (text === undefined) return [...known]
  const named = text.split(',').map((each) => each.trim())
  const unknown = named.filter((each) => !known.some((one) => one === each))
  if (unknown.length > 0) {
    throw new WrongUsage(`--${name}: expected some of ${known.join(', ')}, found ${unknown.join(', ')}.`)
  }
  return known.filter((each) => named.includes(each))
}
