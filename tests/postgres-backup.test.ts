import { execFile, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, chown, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bundleOf, entryOf, eventually, publishForm, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '@hotpatch/testkit/free-port'

const run = promisify(execFile)
const PROGRAMS = process.env.POSTGRES_PROGRAMS
const PASSWORD = 'of-this-test-alone'

/** PostgreSQL runs as somebody who owns its folders. */
async function aMachine() {
  const owner = process.getuid?.() === 0 ? { uid: await numberOf('-u'), gid: await numberOf('-g') } : undefined
  const root = await mkdtemp(join(tmpdir(), 'hotpatch-postgres-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const own = async (path: string) => {
    if (owner) await chown(path, owner.uid, owner.gid)
  }
  for (const folder of ['archive', 'socket']) {
    await mkdir(join(root, folder))
    await own(join(root, folder))
  }
  await writeFile(join(root, 'password'), PASSWORD)
  await own(join(root, 'password'))
  await own(root)
  const as: SpawnOptions = { cwd: root, env: { PATH: process.env.PATH, PGPASSWORD: PASSWORD, LC_ALL: 'C' }, ...owner }
  const program = (name: string, ...args: string[]) => run(join(PROGRAMS ?? '', name), args, as as object)
  return { root, as, program }
}

/** Of the user that Debian's package makes: PostgreSQL refuses to be root. */
async function numberOf(what: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [what, 'postgres'])).stdout)
}

type Machine = Awaited<ReturnType<typeof aMachine>>

/** With the lines of the guide, to the letter but for places. */
async function startCluster({ root, as, program }: Machine, data: string) {
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: join(root, 'socket') }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(PROGRAMS ?? '', 'postgres'), ['-D', data, ...options], {
    ...as,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)))
  const stop = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGINT')
    await once(child, 'exit')
  }
  onTestFinished(stop)
  const url = (database: string) => `postgres://hotpatch:${PASSWORD}@127.0.0.1:${port}/${database}`
  const ask = async (statement: string) => {
    const { stdout } = await program(
      'psql',
      '--no-psqlrc',
      '--tuples-only',
      '--no-align',
      '--command',
      statement,
      url('postgres'),
    )
    return stdout.trim()
  }
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(log)
    expect(await ask('select pg_is_in_recovery()')).toBe('f')
  })
  return { url, ask, stop }
}

async function serverOn(url: string, directory: string) {
  const server = await startServerProcess({ directory, env: { DATABASE_URL: url } })
  const headers = { authorization: `Bearer ${server.ownerToken}` }
  return {
    ...server,
    async createApp(slug: string) {
      const created = await fetch(`${server.url}/manage/v1/apps`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ slug, checkAccess: 'open' }),
      })
      expect(created.status).toBe(201)
    },
    async publish(slug: string) {
      const body = publishForm({ platform: 'android', version: '1.2.0' }, await bundleOf('one'), {})
      const published = await fetch(`${server.url}/manage/v1/apps/${slug}/releases`, { method: 'POST', headers, body })
      expect(published.status).toBe(201)
    },
    /** Whether a device of this app gets its release, and its bytes. */
    async serves(slug: string) {
      const query = 'platform=android&version=1.0.0&deviceId=phone'
      const checked = await fetch(`${server.url}/apps/${slug}/update/check?${query}`)
      if (!checked.ok) return false
      const { bundleUrl } = (await checked.json()) as { bundleUrl?: string }
      return bundleUrl !== undefined && (await fetch(bundleUrl)).ok
    },
  }
}

async function hotpatchServer(args: readonly string[], env: Record<string, string>) {
  const main = entryOf('server')
  return run(process.execPath, [main, ...args], { env: { PATH: process.env.PATH, ...env } })
}

describe.skipIf(!PROGRAMS)("with PostgreSQL's own tools", () => {
  test('a dump comes back as it was, and a base backup with its log as of any moment after it', async () => {
    const machine = await aMachine()
    const { root, program } = machine
    const data = join(root, 'data')
    await program(
      'initdb',
      '--pgdata',
      data,
      '--username=hotpatch',
      `--pwfile=${root}/password`,
      '--auth=scram-sha-256',
      '--no-sync',
    )
    await appendFile(
      join(data, 'postgresql.conf'),
      `archive_mode = on\narchive_command = 'test ! -f ${root}/archive/%f && cp %p ${root}/archive/%f'\narchive_timeout = 60\n`,
    )
    const cluster = await startCluster(machine, data)
    const folder = await temporaryDirectory()
    const server = await serverOn(cluster.url('postgres'), join(folder, 'data'))
    onTestFinished(() => void server.stop('SIGKILL').catch(() => undefined))
    await server.createApp('first')
    await server.publish('first')

    await program('pg_dump', '--format=custom', `--file=${root}/monday.dump`, cluster.url('postgres'))
    await program(
      'pg_basebackup',
      `--pgdata=${root}/base`,
      '--checkpoint=fast',
      '--wal-method=stream',
      '--dbname',
      cluster.url('postgres'),
    )
    await server.createApp('second')
    await server.publish('second')
    const moment = await cluster.ask('select clock_timestamp()')
    await server.createApp('mistake')
    const backup = ['backup', '--without-database', '--to', join(folder, 'monday')]
    await hotpatchServer(backup, { HOTPATCH_DATA: join(folder, 'data'), DATABASE_URL: cluster.url('postgres') })
    await server.stop()
    const archived = await cluster.ask('select pg_walfile_name(pg_switch_wal())')
    await eventually(async () => expect(await readdir(join(root, 'archive'))).toContain(archived))

    // The dump, into an empty database.
    await cluster.ask('create database anew')
    await program(
      'pg_restore',
      '--no-owner',
      '--exit-on-error',
      `--dbname=${cluster.url('anew')}`,
      `${root}/monday.dump`,
    )
    const restore = async (url: string, name: string) => {
      const directory = join(folder, name)
      await hotpatchServer(['restore', '--from', join(folder, 'monday')], {
        HOTPATCH_DATA: directory,
        DATABASE_URL: url,
      })
      const restored = await serverOn(url, directory)
      onTestFinished(() => void restored.stop('SIGKILL').catch(() => undefined))
      return restored
    }
    const ofDump = await restore(cluster.url('anew'), 'of-dump')
    expect([await ofDump.serves('first'), await ofDump.serves('second')]).toEqual([true, false])
    expect(await ofDump.stop()).toBe(0)
    await cluster.stop()

    // The base backup, with the log up to a moment before the mistake.
    await cp(join(root, 'base'), join(root, 'then'), { recursive: true, preserveTimestamps: true })
    await chmod(join(root, 'then'), 0o700)
    await appendFile(
      join(root, 'then/postgresql.conf'),
      `restore_command = 'cp ${root}/archive/%f %p'\nrecovery_target_time = '${moment}'\nrecovery_target_action = 'promote'\narchive_mode = off\n`,
    )
    await writeFile(join(root, 'then/recovery.signal'), '')
    const { as } = machine
    if (as.uid !== undefined) await run('chown', ['-R', `${as.uid}:${as.gid}`, join(root, 'then')])
    const then = await startCluster(machine, join(root, 'then'))
    const slugs = (await then.ask('select slug from app order by slug')).split('\n')
    expect(slugs).toEqual(['first', 'second'])
    const ofMoment = await restore(then.url('postgres'), 'of-moment')
    expect([await ofMoment.serves('first'), await ofMoment.serves('second')]).toEqual([true, true])
    expect(await ofMoment.stop()).toBe(0)
  })
})
