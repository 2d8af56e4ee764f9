// A private PostgreSQL for one test run: a new cluster in a temporary folder, on the loopback address only.
import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The folder of PostgreSQL's programs, or undefined. Debian keeps them off PATH, and what lies on it may be links to some. */
export function findPostgres() {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter).filter(Boolean),
    ...versions.map((version) => join(debian, version, 'bin')),
  ]
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
  return found && dirname(realpathSync(join(found, 'initdb')))
}

/**
 * Starts a cluster. Its data is for throwing away, so nothing is fsynced; unless it is `durable`, for those who kill it and
 * look what is left.
 */
export async function startPostgres(programs, { durable = false } = {}) {
  const owner = unprivilegedUser()
  const folder = mkdtempSync(join(tmpdir(), 'hotpatch-postgres-'))
  const as = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...owner }
  try {
    // PostgreSQL on loopback is open to every local user, hence a password.
    const password = randomBytes(16).toString('hex')
    const passwordFile = join(folder, 'password')
    writeFileSync(passwordFile, password, { mode: 0o600 })
    if (owner) for (const path of [folder, passwordFile]) chownSync(path, owner.uid, owner.gid)

    const data = join(folder, 'data')
    const options = ['--username=hotpatch', `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
    const init = spawnSync(
      join(programs, 'initdb'),
      ['--pgdata', data, ...options, '--encoding=UTF8', '--locale=C', '--no-sync'],
      { ...as, encoding: 'utf8' },
    )
    if (init.status !== 0) throw new Error(`initdb failed: ${init.error?.message ?? init.stderr}`)

    const port = await freePort()
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 200,
      ...(!durable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
    }
    const start = async () => {
      const started = spawn(
        join(programs, 'postgres'),
        ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
        // A group of its own: a Ctrl-C must not stop the database before the tests that use it.
        { ...as, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
      )
      await untilReady(started)
      return started
    }
    let server = await start()
    return {
      url: `postgres://hotpatch:${password}@127.0.0.1:${port}/postgres`,
      pid: () => server.pid,
      /** After it was killed: with what it had, at the same address. */
      startAgain: async () => {
        server = await start()
      },
      stop: async () => {
        const ended = server.exitCode === null && server.signalCode === null ? once(server, 'exit') : undefined
        server.kill('SIGINT') // "fast shutdown"
        const late = sleep(10_000, 'late', { ref: false })
        if (ended && (await Promise.race([ended, late])) === 'late') server.kill('SIGQUIT')
        await ended
        rmSync(folder, { recursive: true, force: true })
      },
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

async function untilReady(server) {
  let log = ''
  server.stderr.setEncoding('utf8')
  await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      server.kill('SIGKILL')
      reject(new Error(`PostgreSQL was not ready after 30 s:\n${log}`))
    }, 30_000)
    const settle = (finish, value) => {
      clearTimeout(timer)
      finish(value)
    }
    server.stderr.on('data', (text) => {
      log = (log + text).slice(-4000)
      if (log.includes('ready to accept connections')) settle(resolve)
    })
    server.on('error', (error) => settle(reject, error))
    server.on('exit', () => settle(reject, new Error(`PostgreSQL did not start:\n${log}`)))
  })
}

/** PostgreSQL refuses to run as root; then it runs as the user that Debian's package makes, or as nobody. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody')
  if (!user) throw new Error('PostgreSQL cannot run as root, and this system has no user postgres or nobody.')
  return { uid: Number(user[2]), gid: Number(user[3]) }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}
