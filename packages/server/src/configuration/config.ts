import { resolve } from 'node:path'
import { HOUR_MS } from '../ground/clock.ts'
import type { DatabaseConfig } from '../ground/database/open-database.ts'
import { readServerList, type Wanted } from '../ground/database/postgres/server-list.ts'
import type { Environment, EnvironmentName } from './env.ts'
import { readWorkerCount } from './worker-count.ts'
import type { StorageConfig } from '../ground/storage/open-storage.ts'
import type { TracesConfig } from '../ground/traces/traces-config.ts'
import { readRedisUrl, type RedisConfig } from '../ground/redis/redis-config.ts'
import { readStorage } from './read-storage.ts'
import { readTraces } from './read-traces.ts'
import type { EventBudgetLimits } from '../fleet/recording/event-budget.ts'
import type { DeviceLimitSettings } from '../ground/http/device-limits.ts'
import type { HttpSettings } from '../ground/http/create-http.ts'
import type { MetricsAccess } from '../ground/http/operations-routes.ts'
import { readNetworks, readTrustedProxies } from '../ground/http/trusted-proxies.ts'
import type { ContentLimits } from '../shipping/content/content-kind.ts'

/** All that the server can be told. Made once, from the environment, and passed in. */
export interface Config extends HttpSettings {
  /** Processes that serve behind one port; 1: this one alone. */
  workers: number
  http: HttpSettings['http'] & {
    host: string
    port: number
    /** Null: each answer's addresses are on the host that its request named. */
    publicUrl: string | null
    stopTimeoutMs: number
  }
  /** Null: words at a terminal, JSON elsewhere. */
  logFormat: 'text' | 'json' | null
  /** Of device requests that name none. */
  defaultApp: string | null
  dataDirectory: string
  database: DatabaseConfig
  /** Over which servers share limits. Null: none. */
  redis: RedisConfig | null
  /** Of artifacts. */
  storage: StorageConfig
  /** Besides, with PostgreSQL: connections for what devices tell, and for figures, which may be asked of a replica. */
  pools: { devices: number; figures: number; replicaUrl: string | null; maxReplicaLagMs: number }
  /** Null: kept in the data folder. */
  jwtSecret: string | null
  /** Null: kept in the data folder. */
  deviceIdSecret: string | null
  /** The first encrypts, all decrypt. Null: kept in the data folder. */
  secretsKeys: readonly string[] | null
  metrics: MetricsAccess
  /** Null: nobody collects any. */
  traces: TracesConfig | null
  bundles: Omit<ContentLimits, 'maxPathBytes'>
  /** For how many bases patches are made; 0 for none. */
  patchBases: number
  /** Those that go on where they broke off. */
  uploads: { maxUploads: number; expireMs: number }
  /** What is stored of single events; what is more is only counted. */
  events: EventBudgetLimits
  rateLimits: DeviceLimitSettings
  /** Networks, or all, that webhooks may go to although they are private. */
  webhooks: { allowedNetworks: 'all' | readonly string[] }
  /** In which issuers of OpenID Connect may be although they are private. */
  issuers: { allowedNetworks: 'all' | readonly string[] }
  refreshIntervalMs: number
  automationIntervalMs: number
}

/** Everything that is wrong with the environment, at once. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** More need ZIP64, which devices do not read. */
const MAX_ZIP_FILES = 65_534

/** True would let everybody who reaches the server claim any address, and so any share of its limits. */
const TRUST_PROXY_EXPECTED =
  'the number of proxies before the server, such as 1, or their addresses and networks, such as 127.0.0.1 or ' +
  '10.0.0.0/8; not true, as then anybody could claim any address'

/** Of several servers one is a standby, most likely, which would refuse what is written. */
const FOR_WRITING: readonly Wanted[] = ['read-write', 'primary']
const DATABASE_EXPECTED =
  'postgres://user:password@host:5432/database; with several servers, such as one:5432,two:5432 in place of the host, ' +
  'also ?target_session_attrs=read-write'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'silent']

/** @throws ConfigError naming every variable that is not as it must be */
export function readConfig(environment: Environment): Config {
  const mistakes: string[] = []
  const refuse = (name: EnvironmentName, expected: string) => {
    // The value may be a secret or hold a password.
    mistakes.push(`${name}: expected ${expected}`)
  }
  const integer = (name: EnvironmentName, minimum: number, maximum: number): number => {
    const value = Number(environment[name])
    if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
    refuse(name, `a whole number from ${minimum} to ${maximum}`)
    return minimum
  }

  /** In milliseconds. */
  const seconds = (name: EnvironmentName, minimum: number, maximum: number): number => {
    const value = Number(environment[name])
    if (value >= minimum && value <= maximum) return Math.round(value * 1000)
    refuse(name, `seconds from ${minimum} to ${maximum}`)
    return minimum * 1000
  }

  const dataDirectory = resolve(environment.HOTPATCH_DATA)
  if (!LOG_LEVELS.includes(environment.HOTPATCH_LOG_LEVEL)) refuse('HOTPATCH_LOG_LEVEL', LOG_LEVELS.join(', '))
  const logFormat = environment.HOTPATCH_LOG_FORMAT
  if (!isLogFormat(logFormat)) refuse('HOTPATCH_LOG_FORMAT', 'text or json')
  const secret = (name: 'JWT_SECRET' | 'HOTPATCH_DEVICE_ID_SECRET'): string | null => {
    if (environment[name] !== '' && environment[name].length < 32) refuse(name, 'at least 32 characters')
    return environment[name] || null
  }
  const secretsKeys = readSecretsKeys(environment.HOTPATCH_SECRETS_KEY)
  if (secretsKeys === undefined)
    refuse('HOTPATCH_SECRETS_KEY', 'at least 32 characters each, with commas between several')
  const metrics = (['token', 'open', 'off'] as const).find((access) => access === environment.HOTPATCH_METRICS)
  if (!metrics) refuse('HOTPATCH_METRICS', 'token, open or off')
  const publicUrl = readPublicUrl(environment.HOTPATCH_PUBLIC_URL)
  if (publicUrl === undefined) refuse('HOTPATCH_PUBLIC_URL', 'an address such as https://updates.example.com')
  const trustedProxies = readTrustedProxies(environment.HOTPATCH_TRUST_PROXY)
  if (!trustedProxies) refuse('HOTPATCH_TRUST_PROXY', TRUST_PROXY_EXPECTED)
  const maxConnections = integer('HOTPATCH_DATABASE_CONNECTIONS', 2, 1000)
  const database = readDatabase(environment.DATABASE_URL, dataDirectory, maxConnections)
  if (!database) refuse('DATABASE_URL', DATABASE_EXPECTED)

  const replicaUrl = environment.HOTPATCH_DATABASE_REPLICA_URL
  if (replicaUrl !== '' && (!readServerList(replicaUrl) || database?.kind !== 'postgres'))
    refuse('HOTPATCH_DATABASE_REPLICA_URL', 'postgres://user:password@host:5432/database, beside DATABASE_URL')

  const redis = environment.REDIS_URL === '' ? null : readRedisUrl(environment.REDIS_URL)
  if (redis === undefined) refuse('REDIS_URL', 'redis://user:password@host:6379, or rediss:// for TLS')

  const opened = (name: 'HOTPATCH_WEBHOOK_ALLOW_PRIVATE' | 'HOTPATCH_ISSUER_ALLOW_PRIVATE') => {
    const allowedNetworks = readAllowedNetworks(environment[name])
    if (!allowedNetworks) refuse(name, 'true, or networks such as 10.0.0.0/8')
    return { allowedNetworks: allowedNetworks ?? [] }
  }

  const workers = readWorkerCount(environment.HOTPATCH_WORKERS)
  if (workers === undefined) refuse('HOTPATCH_WORKERS', 'auto, or a whole number from 0 to 256')

  const config: Config = {
    workers: workers ?? 1,
    http: {
      host: environment.HOTPATCH_HOST,
      port: integer('PORT', 0, 65_535),
      publicUrl: publicUrl ?? null,
      trustedProxies: trustedProxies ?? { kind: 'none' },
      stopTimeoutMs: integer('HOTPATCH_STOP_SECONDS', 1, 600) * 1000,
    },
    logLevel: environment.HOTPATCH_LOG_LEVEL,
    logFormat: isLogFormat(logFormat) ? logFormat || null : null,
    defaultApp: environment.HOTPATCH_DEFAULT_APP || null,
    dataDirectory,
    database: database ?? { kind: 'sqlite', path: ':memory:' },
    redis: redis ?? null,
    storage: readStorage({ environment, dataDirectory, refuse, seconds }),
    pools: {
      devices: integer('HOTPATCH_DATABASE_DEVICE_CONNECTIONS', 1, 1000),
      figures: integer('HOTPATCH_DATABASE_FIGURE_CONNECTIONS', 1, 1000),
      replicaUrl: replicaUrl || null,
      maxReplicaLagMs: seconds('HOTPATCH_DATABASE_REPLICA_LAG_SECONDS', 5, 86_400),
    },
    jwtSecret: secret('JWT_SECRET'),
    deviceIdSecret: secret('HOTPATCH_DEVICE_ID_SECRET'),
    secretsKeys: secretsKeys ?? null,
    metrics: metrics ?? 'off',
    traces: readTraces(environment, refuse),
    bundles: {
      maxBytes: integer('HOTPATCH_MAX_BUNDLE_BYTES', 1, Number.MAX_SAFE_INTEGER),
      maxBinaryBytes: integer('HOTPATCH_MAX_BINARY_BYTES', 1, Number.MAX_SAFE_INTEGER),
      maxUnpackedBytes: integer('HOTPATCH_MAX_UNPACKED_BYTES', 1, Number.MAX_SAFE_INTEGER),
      maxFiles: integer('HOTPATCH_MAX_BUNDLE_FILES', 1, MAX_ZIP_FILES),
    },
    patchBases: integer('HOTPATCH_PATCH_BASES', 0, 50),
    uploads: {
      maxUploads: integer('HOTPATCH_MAX_UPLOADS', 1, 100_000),
      expireMs: integer('HOTPATCH_UPLOAD_HOURS', 1, 10_000) * HOUR_MS,
    },
    connections: {
      maxConnections: integer('HOTPATCH_MAX_CONNECTIONS', 1, 1_000_000),
      maxPerAddress: integer('HOTPATCH_ADDRESS_CONNECTIONS', 0, 1_000_000) || Infinity,
    },
    events: {
      deviceEventsPerDay: integer('HOTPATCH_DEVICE_EVENTS_PER_DAY', 0, 1_000_000_000),
      maxEventBytes: integer('HOTPATCH_MAX_EVENT_BYTES', 0, Number.MAX_SAFE_INTEGER),
      maxAppEventBytes: integer('HOTPATCH_MAX_APP_EVENT_BYTES', 0, Number.MAX_SAFE_INTEGER),
    },
    rateLimits: {
      devicePerMinute: integer('HOTPATCH_DEVICE_REQUESTS_PER_MINUTE', 0, 1_000_000_000),
      addressPerMinute: integer('HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE', 0, 1_000_000_000),
      addressBytesPerMinute: integer('HOTPATCH_ADDRESS_BYTES_PER_MINUTE', 0, Number.MAX_SAFE_INTEGER),
      addressEventsPerMinute: integer('HOTPATCH_ADDRESS_EVENTS_PER_MINUTE', 0, 1_000_000_000),
      appBytesPerMinute: integer('HOTPATCH_APP_BYTES_PER_MINUTE', 0, Number.MAX_SAFE_INTEGER),
      appEventsPerMinute: integer('HOTPATCH_APP_EVENTS_PER_MINUTE', 0, 1_000_000_000),
    },
    webhooks: opened('HOTPATCH_WEBHOOK_ALLOW_PRIVATE'),
    issuers: opened('HOTPATCH_ISSUER_ALLOW_PRIVATE'),
    automationIntervalMs: seconds('HOTPATCH_AUTOMATION_SECONDS', 0.1, 86_400),
    refreshIntervalMs: integer('HOTPATCH_REFRESH_SECONDS', 1, 3600) * 1000,
  }
  if (mistakes.length > 0) throw new ConfigError(`The environment is not as it must be.\n- ${mistakes.join('\n- ')}`)
  return config
}

/** Null when there is none, undefined when one is too short. */
function readSecretsKeys(text: string): string[] | null | undefined {
  if (text === '') return null
  const keys = text.split(',').map((key) => key.trim())
  return keys.every((key) => key.length >= 32) ? keys : undefined
}

function isLogFormat(text: string): text is 'text' | 'json' | '' {
  return ['text', 'json', ''].includes(text)
}

/** Null when there is none, undefined when it is not an http address; never ends in a slash. */
function readPublicUrl(text: string): string | null | undefined {
  if (text === '') return null
  if (!URL.canParse(text) || !/^https?:\/\/[^?#@]+$/.test(text)) return undefined
  return text.replace(/\/+$/, '')
}

function readDatabase(url: string, dataDirectory: string, maxConnections: number): DatabaseConfig | undefined {
  if (url === '') return { kind: 'sqlite', path: resolve(dataDirectory, 'hotpatch.db') }
  const list = readServerList(url)
  const isWritten = list && (list.servers.length === 1 ? [...FOR_WRITING, 'any'] : FOR_WRITING).includes(list.wanted)
  return isWritten ? { kind: 'postgres', url, maxConnections } : undefined
}

/** Undefined when something in the list is neither an address nor a network. */
function readAllowedNetworks(text: string): 'all' | string[] | undefined {
  if (text === '' || text === 'false') return []
  return text === 'true' ? 'all' : readNetworks(text)
}
