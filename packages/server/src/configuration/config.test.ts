import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig } from './config.ts'
import { ENVIRONMENT, readEnvironment } from './env.ts'

const read = (env: Record<string, string>) => readConfig(readEnvironment(env))
const mistakesOf = (env: Record<string, string>): string[] => {
  try {
    read(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n- ').slice(1)
    throw error
  }
  return []
}

describe('the configuration', () => {
  test('has a value for everything when nothing is said', () => {
    expect(read({ HOTPATCH_DATA: '/srv/hotpatch' })).toMatchObject({
      http: { host: '0.0.0.0', port: 8080, publicUrl: null, trustedProxies: { kind: 'none' }, stopTimeoutMs: 10_000 },
      logLevel: 'info',
      logFormat: null,
      dataDirectory: '/srv/hotpatch',
      database: { kind: 'sqlite', path: '/srv/hotpatch/hotpatch.db' },
      jwtSecret: null,
    })
  })

  test('takes an empty variable for an absent one', () => {
    const empty = Object.fromEntries(Object.keys(ENVIRONMENT).map((name) => [name, ' ']))
    expect(read(empty)).toEqual(read({}))
  })

  test.each<[Record<string, string>, object]>([
    [{ PORT: '0' }, { http: { port: 0 } }],
    [{ HOTPATCH_LOG_FORMAT: 'json' }, { logFormat: 'json' }],
    [{ HOTPATCH_PUBLIC_URL: 'https://ota.example.com/' }, { http: { publicUrl: 'https://ota.example.com' } }],
    [{ HOTPATCH_PUBLIC_URL: 'http://10.0.0.7:8080/ota' }, { http: { publicUrl: 'http://10.0.0.7:8080/ota' } }],
    [{ HOTPATCH_TRUST_PROXY: 'false' }, { http: { trustedProxies: { kind: 'none' } } }],
    [{ HOTPATCH_TRUST_PROXY: '2' }, { http: { trustedProxies: { kind: 'hops', count: 2 } } }],
    [
      { HOTPATCH_TRUST_PROXY: '10.0.0.0/8, ::1, loopback' },
      { http: { trustedProxies: { kind: 'networks', networks: ['10.0.0.0/8', '::1', '127.0.0.0/8', '::1/128'] } } },
    ],
    [
      { DATABASE_URL: 'postgresql://u:p@db/hotpatch', HOTPATCH_DATABASE_CONNECTIONS: '4' },
      { database: { kind: 'postgres', url: 'postgresql://u:p@db/hotpatch', maxConnections: 4 } },
    ],
    [{ HOTPATCH_WORKERS: '3' }, { workers: 3 }],
    [
      { REDIS_URL: 'rediss://hotpatch:p%40ss@cache:6380' },
      { redis: { addresses: [{ host: 'cache', port: 6380 }], isTls: true, username: 'hotpatch', password: 'p@ss' } },
    ],
    [{}, { redis: null }],
    [{ HOTPATCH_WORKERS: '0' }, { workers: 1 }],
    [
      { DATABASE_URL: 'postgres://db/hotpatch', HOTPATCH_DATABASE_REPLICA_URL: 'postgres://replica/hotpatch' },
      { pools: { devices: 2, figures: 3, replicaUrl: 'postgres://replica/hotpatch', maxReplicaLagMs: 30_000 } },
    ],
    [
      { DATABASE_URL: 'postgres://u@one:1,two:2/hotpatch?target_session_attrs=read-write' },
      { database: { kind: 'postgres', url: 'postgres://u@one:1,two:2/hotpatch?target_session_attrs=read-write' } },
    ],
    [{ HOTPATCH_REFRESH_SECONDS: '2' }, { refreshIntervalMs: 2000 }],
    [{ HOTPATCH_AUTOMATION_SECONDS: '0.25' }, { automationIntervalMs: 250 }],
    [{ HOTPATCH_DEVICE_REQUESTS_PER_MINUTE: '0' }, { rateLimits: { devicePerMinute: 0 } }],
    [{ JWT_SECRET: 's'.repeat(32) }, { jwtSecret: 's'.repeat(32) }],
    [{ HOTPATCH_DATA: '/srv' }, { storage: { kind: 'disk', directory: '/srv/artifacts' } }],
    [
      { S3_BUCKET: 'artifacts', AWS_REGION: 'eu-west-1' },
      {
        storage: {
          kind: 's3',
          bucket: 'artifacts',
          endpoint: null,
          region: 'eu-west-1',
          prefix: '',
          isPathStyle: false,
          credentials: null,
          downloads: { kind: 'presigned', linkSeconds: 900 },
        },
      },
    ],
    [
      {
        S3_BUCKET: 'artifacts',
        S3_ENDPOINT: 'http://store:9000/',
        S3_PREFIX: 'hotpatch/',
        AWS_ACCESS_KEY_ID: 'key',
        AWS_SECRET_ACCESS_KEY: 'secret',
        S3_DOWNLOADS: 'cdn',
        S3_CDN_URL: 'https://cdn.example.com/',
      },
      {
        storage: {
          endpoint: 'http://store:9000',
          prefix: 'hotpatch/',
          isPathStyle: true,
          credentials: { accessKeyId: 'key', secretAccessKey: 'secret', sessionToken: null },
          downloads: { kind: 'cdn', url: 'https://cdn.example.com' },
        },
      },
    ],
  ])('reads %j', (env, expected) => {
    expect(read(env)).toMatchObject(expected)
  })

  test.each<[Record<string, string>, string]>([
    [{ S3_ENDPOINT: 'http://store:9000' }, 'S3_BUCKET'],
    [{ S3_BUCKET: 'a b' }, 'S3_BUCKET'],
    [{ S3_BUCKET: 'artifacts', S3_ENDPOINT: 'http://user:secret@store' }, 'S3_ENDPOINT'],
    [{ S3_BUCKET: 'artifacts', S3_PREFIX: '../x/' }, 'S3_PREFIX'],
    [{ S3_BUCKET: 'artifacts', S3_PREFIX: 'hotpatch' }, 'S3_PREFIX'],
    [{ S3_BUCKET: 'artifacts', AWS_ACCESS_KEY_ID: 'key' }, 'AWS_SECRET_ACCESS_KEY'],
    [{ S3_BUCKET: 'artifacts', AWS_SECRET_ACCESS_KEY: 'key' }, 'AWS_ACCESS_KEY_ID'],
    [{ S3_BUCKET: 'artifacts', S3_DOWNLOADS: 'cdn' }, 'S3_CDN_URL'],
    [{ S3_BUCKET: 'artifacts', S3_CDN_URL: 'https://cdn.example.com' }, 'S3_DOWNLOADS'],
    [{ S3_BUCKET: 'artifacts', S3_DOWNLOADS: 'direct' }, 'S3_DOWNLOADS'],
    [{ S3_BUCKET: 'artifacts', S3_LINK_SECONDS: '604801' }, 'S3_LINK_SECONDS'],
    [{ S3_BUCKET: 'artifacts', S3_PATH_STYLE: 'yes' }, 'S3_PATH_STYLE'],
    [
      {
        S3_BUCKET: 'a1',
        S3_DOWNLOADS: 'cloudfront',
        S3_CDN_URL: 'https://d.cloudfront.net',
        S3_CLOUDFRONT_KEY_PAIR_ID: 'K1',
      },
      'S3_CLOUDFRONT_PRIVATE_KEY_FILE',
    ],
  ])('of the storage refuses %j', (env, name) => {
    expect(mistakesOf(env)).toEqual([expect.stringMatching(new RegExp(`^${name}: expected `))])
    expect(mistakesOf(env).join()).not.toContain('secret@')
  })

  test.each([
    ['PORT', 'http'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '-1'],
    ['HOTPATCH_PUBLIC_URL', 'updates.example.com'],
    ['HOTPATCH_PUBLIC_URL', 'ftp://updates.example.com'],
    ['HOTPATCH_PUBLIC_URL', 'https://updates.example.com/?a=b'],
    ['HOTPATCH_PUBLIC_URL', 'https://user:password@updates.example.com'],
    ['HOTPATCH_TRUST_PROXY', 'yes'],
    ['HOTPATCH_TRUST_PROXY', 'true'],
    ['HOTPATCH_TRUST_PROXY', '11'],
    ['HOTPATCH_TRUST_PROXY', '0.0.0.0/0'],
    ['HOTPATCH_TRUST_PROXY', '10.0.0.0/33'],
    ['HOTPATCH_TRUST_PROXY', '10.0.0.1,,10.0.0.2'],
    ['HOTPATCH_LOG_LEVEL', 'loud'],
    ['DATABASE_URL', 'mysql://root@db/hotpatch'],
    ['DATABASE_URL', 'postgres://[broken'],
    ['REDIS_URL', 'cache:6379'],
    ['REDIS_URL', 'https://cache'],
    ['JWT_SECRET', 'short'],
    ['HOTPATCH_DATABASE_CONNECTIONS', '1'],
    // Beside SQLite there is none.
    ['HOTPATCH_DATABASE_REPLICA_URL', 'postgres://replica/hotpatch'],
    ['HOTPATCH_WORKERS', 'three'],
    ['HOTPATCH_MAX_BUNDLE_BYTES', '0'],
    ['HOTPATCH_MAX_UNPACKED_BYTES', '1e30'],
    ['HOTPATCH_MAX_BUNDLE_FILES', 'many'],
    ['HOTPATCH_DEVICE_REQUESTS_PER_MINUTE', '-1'],
    ['HOTPATCH_ADDRESS_REQUESTS_PER_MINUTE', 'none'],
    ['HOTPATCH_REFRESH_SECONDS', '0'],
    ['HOTPATCH_AUTOMATION_SECONDS', '0.05'],
    ['HOTPATCH_AUTOMATION_SECONDS', 'often'],
    ['HOTPATCH_STOP_SECONDS', '0'],
  ])('refuses %s=%s, and says what was expected', (name, value) => {
    expect(mistakesOf({ [name]: value })).toEqual([expect.stringMatching(new RegExp(`^${name}: expected .+`))])
  })

  test('names all mistakes at once, and repeats no value: it may be a secret', () => {
    const env = {
      PORT: 'port-secret',
      DATABASE_URL: 'mysql://root:database-secret@db/hotpatch',
      REDIS_URL: 'redis//:redis-secret@cache',
      JWT_SECRET: 'jwt-secret',
      HOTPATCH_PUBLIC_URL: 'url-secret',
      HOTPATCH_TRUST_PROXY: 'proxy-secret',
      HOTPATCH_STOP_SECONDS: 'stop-secret',
    }
    const mistakes = mistakesOf(env)
    expect(mistakes.map((mistake) => mistake.split(':')[0] ?? '').sort()).toEqual(Object.keys(env).sort())
    expect(mistakes.join()).not.toContain('secret')
  })
})
