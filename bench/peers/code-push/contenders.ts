import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ClientProtocol } from '../client-protocol.ts'
import { startPeer, type Contender } from '../contender.ts'
import { openMariaDb, openRedis, type MariaDb } from '../databases.ts'
import { installPackages } from '../install-packages.ts'
import { need } from '../needs.ts'
import { makeDirectory, removeDirectory } from '../../sandbox.ts'
import { createPublisher } from './publisher.ts'

const exec = promisify(execFile)
const VERSION = '5.7.1'
const NAME = `code-push-server ${VERSION}`
const LISTENING = /Listening on port (\d+)/
const DATABASE = 'codepush'
const SET_UP_TIMEOUT_MS = 60_000

/**
 * The server by lisong, on MariaDB: as it is, and with the answers of its checks in Redis, which it advises for load.
 * @throws NotHere
 */
export async function codePushServers(protocol: ClientProtocol): Promise<Contender[]> {
  const folder = join(
    await installPackages('code-push-server', { 'code-push-server': VERSION }),
    'node_modules',
    NAME_OF,
  )
  const directory = makeDirectory()
  const mariaDb = await openMariaDb()
  const redis = await openRedis()
  await createTables(folder, mariaDb)
  for (const each of ['storage', 'data']) await mkdir(join(directory, each))

  const start = async (file: string, redisPort: number | undefined) => {
    const config = join(directory, file)
    await writeFile(config, configText({ folder, directory, mariaDb, redisPort }), { mode: 0o600 })
    const env = { CONFIG_FILE: config, HOST: '127.0.0.1', PORT: '0', TMPDIR: directory }
    return startPeer(directory, [join(folder, 'bin/www')], env, LISTENING)
  }
  const plain = () => start('plain.js', undefined)
  const cached = () => start('cached.js', redis.port)

  // It fetches what it has stored from itself, by the address that it is configured with, to make what clients get of a
  // package whose parts they have; without that they are offered the whole. A check does the same either way.
  const first = await plain()
  const place = await createPublisher(first.url).then((publisher) => publisher.publish(protocol.releases))
  await first.stop()
  return [
    {
      name: `${NAME} on MariaDB`,
      place,
      start: plain,
      databases: [mariaDb.pid],
      end: async () => {
        await mariaDb.stop()
        removeDirectory(directory)
      },
    },
    { name: `${NAME} with Redis`, place, start: cached, databases: [mariaDb.pid, redis.pid], end: redis.stop },
  ]
}

const NAME_OF = 'code-push-server'

/** By its own program. */
async function createTables(folder: string, { port, user, password }: MariaDb): Promise<void> {
  const at = ['--dbhost', '127.0.0.1', '--dbport', String(port), '--dbuser', user, '--dbpassword', password]
  const program = [join(folder, 'bin/db'), 'init', ...at, '--dbname', DATABASE]
  const { stdout } = await need(`${NAME} db init`, exec(process.execPath, program, { timeout: SET_UP_TIMEOUT_MS }))
  if (!stdout.includes('success')) throw new Error(`Its tables were not made: ${stdout}`)
}

/** Its own configuration of production, and what there is to say of this machine. */
function configText(given: { folder: string; directory: string; mariaDb: MariaDb; redisPort: number | undefined }) {
  const { folder, directory, mariaDb, redisPort } = given
  const isCached = redisPort !== undefined
  const changes = {
    db: {
      username: mariaDb.user,
      password: mariaDb.password,
      database: DATABASE,
      host: '127.0.0.1',
      port: mariaDb.port,
    },
    local: { storageDir: join(directory, 'storage') },
    jwt: { tokenSecret: 'of-a-server-that-is-thrown-away' },
    common: { dataDir: join(directory, 'data'), updateCheckCache: isCached, rolloutClientUniqueIdCache: isCached },
    ...(isCached && { redis: { default: { host: '127.0.0.1', port: redisPort } } }),
    log4js: { categories: { default: QUIET, startup: { ...QUIET, level: 'info' }, http: QUIET } },
  }
  return [
    `const { production } = require(${JSON.stringify(join(folder, 'config/config.js'))})`,
    `for (const [part, values] of Object.entries(${JSON.stringify(changes)})) Object.assign(production[part], values)`,
    'module.exports = { production }',
  ].join('\n')
}

/** It would write a line for each request. */
const QUIET = { appenders: ['console'], level: 'error' }
