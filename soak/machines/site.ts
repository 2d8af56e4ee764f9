import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporaryDirectory } from '../../packages/testkit/src/make-temporary-directory.ts'
import {
  hasObjectStore,
  startObjectStore,
  type ObjectStore,
} from '../../packages/testkit/src/object-store/object-store.ts'
import { REDIS_MISSING, REDIS_SERVERS, startRedis, type RedisServer } from '../../packages/testkit/src/redis/index.ts'
import type { DatabaseKind, FaultKind, StorageKind } from '../options.ts'
import { createFalseClock, FAKETIME_MISSING, findFaketime, type FalseClock } from './false-clock.ts'
import { findLastingPort } from './processes.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'
import { startSoakDatabase, type SoakDatabase } from './soak-database.ts'
import { createSoakServer, type SoakServer } from './soak-server.ts'

/** Everything that a campaign runs on, and can break. */
export interface Site {
  database: DatabaseKind
  storage: StorageKind
  servers: readonly SoakServer[]
  /** Processes of the first one that serve. */
  workers: number
  postgres: SoakDatabase | undefined
  store: ObjectStore | undefined
  redis: RedisServer | undefined
  disk: SmallDisk | undefined
  clocks: readonly FalseClock[]
  folder: string
  /** Where servers put what is only for a while. */
  temporary: string
  /** What can be done here, of what was asked for. */
  faults: readonly FaultKind[]
  skipped: readonly { fault: FaultKind; why: string }[]
  close(): Promise<void>
}

/** Secrets that all servers of one database share. */
const SECRETS = {
  JWT_SECRET: 'the secret of access tokens of the campaign',
  HOTPATCH_DEVICE_ID_SECRET: 'the secret of device ids of the campaign',
  HOTPATCH_SECRETS_KEY: 'the key of secrets of the campaign',
}

/** All clients have one address here, and one of them asks for a million. */
const SETTINGS = {
  HOTPATCH_METRICS: 'open',
  HOTPATCH_LOG_LEVEL: 'warn',
  HOTPATCH_LOG_FORMAT: 'json',
  HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0',
  HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE: '0',
  HOTPATCH_ADDRESS_BYTES_PER_MINUTE: '0',
  HOTPATCH_ADDRESS_EVENTS_PER_MINUTE: '0',
  HOTPATCH_ADDRESS_CONNECTIONS: '0',
  HOTPATCH_AUTOMATION_SECONDS: '1',
  HOTPATCH_PATCH_BASES: '1',
}

export interface SiteOptions {
  database: DatabaseKind
  storage: StorageKind
  faults: readonly FaultKind[]
  workers: number
  logs: string | undefined
}

/** Starts it. What cannot be had here is left out, and said. */
export async function openSite(options: SiteOptions): Promise<Site> {
  const { database, workers } = options
  const folder = await makeTemporaryDirectory()
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
  const skipped: { fault: FaultKind; why: string }[] = []
  const wants = (fault: FaultKind) => options.faults.includes(fault)
  const skip = (fault: FaultKind, why: string) => void (wants(fault) && skipped.push({ fault, why }))

  async function close(): Promise<void> {
    for (const each of closing.toReversed()) await each()
  }

  async function openDisk(): Promise<SmallDisk | undefined> {
    if (database !== 'sqlite') skip('disk-full', 'PostgreSQL and the bucket are on the disk of the machine')
    if (database !== 'sqlite' || !wants('disk-full')) return undefined
    try {
      const disk = await mountSmallDisk(folder)
      closing.push(disk.unmount)
      return disk
    } catch (error) {
      skip('disk-full', `nothing can be mounted here: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  async function openStore(): Promise<ObjectStore | undefined> {
    const isWanted = database === 'postgres' && options.storage === 'bucket'
    if (isWanted && hasObjectStore()) {
      const store = await startObjectStore()
      closing.push(store.stop)
      return store
    }
    const why = isWanted ? 'needs python3-swift of Debian' : 'artifacts are on the disk'
    skip('storage-gone', why)
    return undefined
  }

  async function openRedis(): Promise<RedisServer | undefined> {
    if (database === 'postgres' && wants('redis-gone') && REDIS_SERVERS.length > 0) {
      const redis = await startRedis()
      closing.push(redis.stop)
      return redis
    }
    skip('redis-gone', database === 'postgres' ? REDIS_MISSING : 'one server has nobody to share its limits with')
    return undefined
  }

  async function openPostgres(): Promise<SoakDatabase | undefined> {
    if (database === 'postgres') {
      const postgres = await startSoakDatabase()
      closing.push(postgres.stop)
      return postgres
    }
    skip('kill-database', 'SQLite is in the server, and dies with it')
    return undefined
  }

  function openClock(name: string): FalseClock | undefined {
    const library = findFaketime()
    return wants('clock-jump') && library !== undefined ? createFalseClock(library, folder, name) : undefined
  }

  try {
    if (workers < 2) skip('kill-worker', 'the server is one process')
    if (!findFaketime()) skip('clock-jump', FAKETIME_MISSING)
    const temporary = join(folder, 'temporary')
    await mkdir(temporary)
    if (options.logs !== undefined) await mkdir(options.logs, { recursive: true })
    const [disk, store] = [await openDisk(), await openStore()]
    const [redis, postgres] = [await openRedis(), await openPostgres()]
    const servers: SoakServer[] = []
    const clocks: FalseClock[] = []
    for (let index = 0; index < (database === 'postgres' ? 2 : 1); index++) {
      const clock = openClock(String(index))
      if (clock) clocks.push(clock)
      // Without a bucket, servers of one database share their folder.
      const data = join(disk?.directory ?? folder, database === 'postgres' && store ? `data-${index}` : 'data')
      await mkdir(data, { recursive: true, mode: 0o700 })
      const env = {
        ...SECRETS,
        ...SETTINGS,
        ...store?.env,
        ...clock?.env,
        ...(postgres && { DATABASE_URL: postgres.url }),
        ...(redis && { REDIS_URL: redis.url }),
        TMPDIR: temporary,
        HOTPATCH_WORKERS: index === 0 ? String(workers) : '1',
      }
      const log = options.logs === undefined ? undefined : join(options.logs, `${database}-server-${index}.log`)
      const server = createSoakServer({ index, port: await findLastingPort(), directory: data, env, log })
      await server.start()
      closing.push(server.kill)
      servers.push(server)
    }
    const faults = options.faults.filter((fault) => skipped.every((each) => each.fault !== fault))
    const storage = store ? 'bucket' : 'disk'
    return {
      database,
      storage,
      workers,
      servers,
      postgres,
      store,
      redis,
      disk,
      clocks,
      folder,
      temporary,
      faults,
      skipped,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
