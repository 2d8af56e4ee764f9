import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { eventually, makeTemporaryDirectory } from '@hotpatch/testkit'
import { freePort } from '@hotpatch/testkit/free-port'

// Debian has it where only root looks.
const PROGRAM = ['pgbouncer', '/usr/sbin/pgbouncer'].find((path) => spawnSync(path, ['--version']).status === 0)

export const hasPgBouncer = PROGRAM !== undefined
export const PGBOUNCER_MISSING = 'needs pgbouncer of Debian'

/** PgBouncer before a database of PostgreSQL, which gives a connection to each transaction. */
export async function startPgBouncer(databaseUrl: string) {
  const { hostname, port: databasePort, pathname, username, password } = new URL(databaseUrl)
  const directory = await makeTemporaryDirectory()
  const port = await freePort()
  const path = join(directory, 'pgbouncer.ini')
  const server = `host=${hostname} port=${databasePort} dbname=${pathname.slice(1)}`
  const config = [
    '[databases]',
    `pooled = ${server} user=${username} password=${password}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    'pool_mode = transaction',
    'ignore_startup_parameters = extra_float_digits, statement_timeout, lock_timeout',
  ]
  await writeFile(path, config.join('\n'))
  // It refuses to be root, and reads this as whom it becomes.
  await chmod(directory, 0o755)
  const user = process.getuid?.() === 0 ? ['--user=nobody'] : []
  const child = spawn(PROGRAM ?? '', [...user, path], { stdio: 'ignore' })
  await eventually(async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.destroy()
  })
  return {
    url: `postgres://anybody@127.0.0.1:${port}/pooled`,
    async stop() {
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(directory, { recursive: true, force: true })
    },
  }
}
