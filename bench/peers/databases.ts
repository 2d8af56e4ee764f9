import { randomBytes } from 'node:crypto'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { existsSync, readlinkSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { freePort } from '@hotpatch/testkit/free-port'
import { REDIS_MISSING, REDIS_SERVERS } from '@hotpatch/testkit/redis'
import { findPostgres, startPostgres } from '../../scripts/lib/postgres.mjs'
import { endAtCleanUp, keep, makeDirectory, removeDirectory } from '../sandbox.ts'
import { need, NotHere } from './needs.ts'

const exec = promisify(execFile)
const START_TIMEOUT_MS = 60_000

/** A database in processes of its own, on the loopback address, for throwing away. */
export interface RunningDatabase {
  pid: number
  port: number
  stop(): Promise<void>
}

export async function openPostgres(): Promise<RunningDatabase & { url: string }> {
  const programs = findPostgres()
  if (!programs) throw new NotHere("PostgreSQL's programs were not found")
  const { url, pid, stop } = await startPostgres(programs)
  const number = pid() ?? 0
  // It is at work in its folder, and says to nobody which that is.
  const folder = dirname(workingDirectoryOf(number) ?? '')
  const hasEnded = endAtCleanUp(() => {
    process.kill(number, 'SIGQUIT')
    // Nothing else can be waited for where a process ends. Until then it writes.
    for (let tries = 0; tries < 50 && workingDirectoryOf(number) !== undefined; tries++) Atomics.wait(NOBODY, 0, 0, 50)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    pid: number,
    port: Number(new URL(url).port),
    url,
    async stop() {
      hasEnded()
      await stop()
    },
  }
}

/** Who wakes up whoever waits. */
const NOBODY = new Int32Array(new SharedArrayBuffer(4))

/** Undefined when the process has ended. */
function workingDirectoryOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

export interface MariaDb extends RunningDatabase {
  user: string
  password: string
}

/** As Debian has it, with its own defaults. */
export async function openMariaDb(): Promise<MariaDb> {
  const program = ['/usr/sbin/mariadbd', '/usr/bin/mariadbd'].find((path) => existsSync(path))
  if (!program) throw new NotHere('mariadbd was not found; it is in Debian as mariadb-server')
  const directory = makeDirectory()
  const data = join(directory, 'data')
  const [user, password] = ['bench', randomBytes(16).toString('hex')]
  const firstWords = join(directory, 'first.sql')
  await mkdir(data)
  await writeFile(
    firstWords,
    `create user '${user}'@'127.0.0.1' identified by '${password}';\ngrant all on *.* to '${user}'@'127.0.0.1';\n`,
    { mode: 0o600 },
  )
  const as = await unprivilegedAccount()
  if (as) for (const path of [directory, data, firstWords]) await chown(path, as.uid, as.gid)
  const create = ['--no-defaults', `--datadir=${data}`, '--skip-test-db', '--skip-name-resolve']
  await need('mariadb-install-db', exec('mariadb-install-db', create, { ...as, timeout: START_TIMEOUT_MS }))
  const port = await freePort()
  const settings = {
    datadir: data,
    port,
    'bind-address': '127.0.0.1',
    socket: join(directory, 'socket'),
    'pid-file': join(directory, 'pid'),
    'init-file': firstWords,
  }
  const given = Object.entries(settings).map(([name, value]) => `--${name}=${value}`)
  const child = keep(
    spawn(program, ['--no-defaults', '--skip-name-resolve', ...given], { ...as, stdio: ['ignore', 'ignore', 'pipe'] }),
  )
  await untilItSays(child, /ready for connections/)
  return {
    pid: child.pid ?? 0,
    port,
    user,
    password,
    stop: async () => {
      await end(child)
      removeDirectory(directory)
    },
  }
}

/** It keeps nothing on the disk. */
export async function openRedis(): Promise<RunningDatabase> {
  const [program] = REDIS_SERVERS
  if (program === undefined) throw new NotHere(REDIS_MISSING)
  const port = await freePort()
  const settings = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no']
  const child = keep(spawn(program, settings, { stdio: ['ignore', 'pipe', 'pipe'] }))
  await need(program, untilItSays(child, /Ready to accept connections/))
  return { pid: child.pid ?? 0, port, stop: () => end(child) }
}

type Child = ReturnType<typeof keep>

async function untilItSays(child: Child, line: RegExp): Promise<void> {
  const said: string[] = []
  const ready = Promise.withResolvers<void>()
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (text) => {
      if (line.test(text)) ready.resolve()
      if (said.length < 50) said.push(text)
    })
  }
  const fail = (why: string) => ready.reject(new Error(`${child.spawnfile} ${why}\n${said.join('\n')}`))
  child.once('error', ({ message }) => fail(message))
  child.once('exit', () => fail('ended'))
  const timer = setTimeout(() => fail('was not ready in time'), START_TIMEOUT_MS)
  await ready.promise.finally(() => clearTimeout(timer))
}

async function end(child: Child): Promise<void> {
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** MariaDB refuses to run as root; then it runs as the user of Debian's package. */
async function unprivilegedAccount(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const [, , uid, gid] = lines.find(([name]) => name === 'mysql') ?? []
  if (uid === undefined) throw new NotHere('this system has no user mysql, as which MariaDB runs')
  return { uid: Number(uid), gid: Number(gid) }
}
