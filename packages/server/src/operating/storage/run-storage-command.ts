import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Config } from '../../configuration/config.ts'
import { systemClock } from '../../ground/clock.ts'
import { requireCurrentSchema } from '../../ground/database/migrate.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { openStorage, type StorageConfig } from '../../ground/storage/open-storage.ts'
import { StorageSetupError } from '../../ground/storage/storage-error.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { checkStorage } from './check-storage.ts'
import { copyStorage } from './copy-storage.ts'
import { describePlace, readPlace } from './places.ts'
import { pruneStorage } from './prune-storage.ts'
import { UsageError } from '../command/usage-error.ts'

export const STORAGE_USAGE = `Usage: hotpatch-server storage <command>, with the server's own environment

  copy --from PLACE --to PLACE     copies artifacts that are not there yet, each held against its SHA-256
  check [--sizes-only]             whether every artifact that the database refers to is there, and is right
  prune [--older-than-hours N] [--yes]   removes what the database does not refer to; without --yes only counts it

PLACE is disk, disk:FOLDER, s3 or s3:BUCKET/PREFIX/.`

const REPORT_EVERY = 1000
const SHOWN = 20

type Print = (line: string) => void

interface Given {
  config: Config
  print: Print
}

/**
 * What whoever runs the server does to its artifacts, on a machine with the server's configuration.
 * @returns the exit code: 1 when artifacts are missing or damaged
 * @throws UsageError
 */
export async function runStorageCommand(args: readonly string[], given: Given): Promise<number> {
  const [command, ...rest] = args
  switch (command) {
    case 'copy':
      return copy(rest, given)
    case 'check':
      return check(rest, given)
    case 'prune':
      return prune(rest, given)
    default:
      throw new UsageError(
        `Expected copy, check or prune, found ${command ? `"${command}"` : 'nothing'}.\n\n${STORAGE_USAGE}`,
      )
  }
}

async function copy(args: readonly string[], { config, print }: Given): Promise<number> {
  const { from, to } = readOptions(args, { from: { type: 'string' }, to: { type: 'string' } })
  const places = { configured: config.storage, dataDirectory: config.dataDirectory }
  const source = readPlace('--from', from, places)
  const target = readPlace('--to', to, places)
  if (JSON.stringify(source) === JSON.stringify(target))
    throw new UsageError('Expected two places, found the same one twice.')
  const opened = { from: await open(source), to: await open(target) }
  const result = await copyStorage({
    ...opened,
    spoolDirectory: join(config.dataDirectory, 'copying'),
    onProgress: reporting(print, ({ copied, present }) => `${copied} copied, ${present} were there`),
  }).finally(() => {
    opened.from.close?.()
    opened.to.close?.()
  })
  print(
    `From ${describePlace(source)} to ${describePlace(target)}: ${result.copied} copied (${result.copiedBytes} bytes), ` +
      `${result.present} were there already.`,
  )
  return report(print, [['damaged, and not copied', result.damaged]])
}

async function check(args: readonly string[], { config, print }: Given): Promise<number> {
  const { 'sizes-only': isSizeEnough = false } = readOptions(args, { 'sizes-only': { type: 'boolean' } })
  return withBoth(config, async ({ db, storage }) => {
    const onProgress = reporting<{ artifacts: number }>(print, ({ artifacts }) => `${artifacts} looked at`)
    const result = await checkStorage({ db, storage, isSizeEnough, onProgress })
    print(
      `${result.artifacts} artifacts in ${describePlace(config.storage)}: ${result.missing.length} missing, ` +
        `${result.damaged.length} damaged${isSizeEnough ? ' by their size; their bytes were not read' : ''}.`,
    )
    return report(print, [
      ['missing', result.missing],
      ['damaged', result.damaged],
    ])
  })
}

async function prune(args: readonly string[], { config, print }: Given): Promise<number> {
  const options = readOptions(args, { 'older-than-hours': { type: 'string' }, yes: { type: 'boolean' } })
  const { yes: isMeant = false, 'older-than-hours': hours = '24' } = options
  return withBoth(config, async ({ db, storage }) => {
    const result = await pruneStorage({ db, storage, clock: systemClock, olderThanHours: Number(hours), isMeant })
    const { objects, orphans, orphanBytes } = result
    const what = `${orphans} of ${objects} objects in ${describePlace(config.storage)} belong to nothing (${orphanBytes} bytes)`
    print(isMeant ? `${what}: ${result.removed} removed.` : `${what}. Nothing was removed: --yes does that.`)
    return 0
  })
}

function readOptions<Options extends Record<string, { type: 'string' | 'boolean' }>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${STORAGE_USAGE}`)
  }
}

/** @throws StorageSetupError when nobody answers: a command has nothing else to do meanwhile */
async function open(config: StorageConfig): Promise<StorageDriver> {
  const { storage, notice } = await openStorage(config, systemClock)
  if (notice === undefined) return storage
  storage.close?.()
  throw new StorageSetupError(notice)
}

async function withBoth(
  config: Config,
  work: (both: { db: Database; storage: StorageDriver }) => Promise<number>,
): Promise<number> {
  const db = openDatabase(config.database)
  try {
    await requireCurrentSchema(db)
    const storage = await open(config.storage)
    try {
      return await work({ db, storage })
    } finally {
      storage.close?.()
    }
  } finally {
    await db.destroy()
  }
}

function reporting<Result>(print: Print, say: (result: Result) => string): (result: Result) => void {
  let calls = 0
  return (result) => {
    calls += 1
    if (calls % REPORT_EVERY === 0) print(say(result))
  }
}

function report(print: Print, found: [what: string, keys: readonly string[]][]): number {
  for (const [what, keys] of found) {
    for (const key of keys.slice(0, SHOWN)) print(`${what}: ${key}`)
    if (keys.length > SHOWN) print(`${what}: ${keys.length - SHOWN} more`)
  }
  return found.some(([, keys]) => keys.length > 0) ? 1 : 0
}
