import { execFile, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { eventually } from '@hotpatch/testkit'
import { childrenOf, kill as killProcess } from '../soak/machines/processes.ts'
import { freePort } from '@hotpatch/testkit/free-port'

const run = promisify(execFile)
const PASSWORD = 'of-this-test-alone'
/** What ends with the test is not worth waiting for the disk. */
const SETTINGS = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', full_page_writes: 'off' }

export interface PostgresCluster {
  /** Host and port. */
  address: string
  /** @param servers in place of its own address */
  url(servers?: string, query?: string): string
  ask(statement: string): Promise<string>
  /** On the same port each time. @param settings in place of what it is told else */
  start(settings?: Record<string, string>): Promise<void>
  /** As a machine ends that loses its power. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** What it wrote last. */
  log(): string
  /** Of its data. */
  file(name: string): string
  create(): Promise<unknown>
  /** With what it needs to follow the other one. */
  copy(of: PostgresCluster): Promise<unknown>
}

/**
 * Where clusters of PostgreSQL live that a test kills, promotes and lets come back.
 * @param programs the folder of PostgreSQL's programs
 */
export async function openPostgresMachine(programs: string) {
  const owner = process.getuid?.() === 0 ? { uid: await numberOf('-u'), gid: await numberOf('-g') } : undefined
  const root = await mkdtemp(join(tmpdir(), 'hotpatch-clusters-'))
  await writeFile(join(root, 'password'), PASSWORD)
  /** PostgreSQL refuses to be root. */
  const own = async (path: string) => {
    if (owner) await chown(path, owner.uid, owner.gid)
  }
  for (const path of [root, join(root, 'password')]) await own(path)
  const as: SpawnOptions = { cwd: root, env: { PATH: process.env.PATH, PGPASSWORD: PASSWORD, LC_ALL: 'C' }, ...owner }
  const program = (name: string, ...args: string[]) => run(join(programs, name), args, as as object)
  const clusters: PostgresCluster[] = []

  function cluster(name: string, port: number): PostgresCluster {
    const data = join(root, name)
    const address = `127.0.0.1:${port}`
    let child: ReturnType<typeof spawn> | undefined
    let log = ''

    async function start(more: Record<string, string> = {}): Promise<void> {
      const settings = Object.entries({ ...SETTINGS, port: String(port), ...more })
      const started = spawn(
        join(programs, 'postgres'),
        ['-D', data, ...settings.flatMap(([key, value]) => ['-c', `${key}=${value}`])],
        { ...as, stdio: ['ignore', 'ignore', 'pipe'] },
      )
      child = started
      started.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-200_000)))
      await eventually(async () => {
        if (started.exitCode !== null) throw new Error(log)
        await ask('select 1')
      })
    }

    async function end(signal: NodeJS.Signals): Promise<void> {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill(signal)
      await ended
    }

    /** Those that answer would go on for a moment after their parent. */
    async function killAll(): Promise<void> {
      const backends = childrenOf(child?.pid ?? 0)
      const killed = end('SIGKILL')
      for (const pid of backends) killProcess(pid)
      await killed
    }

    async function ask(statement: string): Promise<string> {
      const options = ['--no-psqlrc', '--tuples-only', '--no-align', '--command', statement]
      return (await program('psql', ...options, url())).stdout.trim()
    }

    const url = (servers = address, query = '') => `postgres://hotpatch:${PASSWORD}@${servers}/postgres${query}`
    const made: PostgresCluster = {
      address,
      url,
      ask,
      start,
      kill: () => killAll(),
      stop: () => end('SIGINT'),
      log: () => log,
      file: (of) => join(data, of),
      create: () =>
        program('initdb', '-D', data, '--username=hotpatch', `--pwfile=${root}/password`, '--auth=scram-sha-256', '-N'),
      copy: (of) => program('pg_basebackup', '-D', data, '-R', '-c', 'fast', '-d', of.url()),
    }
    clusters.push(made)
    return made
  }

  return {
    root,
    own,
    newCluster: async (name: string) => cluster(name, await freePort()),
    async close() {
      for (const each of clusters) await each.stop()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** Of the user that Debian's package makes. */
async function numberOf(what: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [what, 'postgres'])).stdout)
}
