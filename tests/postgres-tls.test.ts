import { execFile } from 'node:child_process'
import { appendFile, chmod, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { openDatabase } from '@hotpatch/server/testing'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPostgresMachine, type PostgresCluster } from './postgres-clusters.ts'

const PROGRAMS = process.env.POSTGRES_PROGRAMS
const run = promisify(execFile)
const DAYS = ['-days', '2']

/** What the guide says of each form of address, held against the driver as it is installed here. */
describe.skipIf(!PROGRAMS)('TLS to PostgreSQL', () => {
  let machine: Awaited<ReturnType<typeof openPostgresMachine>>
  let cluster: PostgresCluster

  beforeAll(async () => {
    machine = await openPostgresMachine(PROGRAMS ?? '')
    const { root } = machine
    const openssl = (...args: string[]) => run('openssl', args, { cwd: root })
    const keyTo = (name: string) => [
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      `${name}.key`,
    ]
    await openssl('req', '-x509', ...keyTo('ca'), '-out', 'ca.crt', '-subj', '/CN=authority of this test', ...DAYS)
    for (const [name, subject] of [
      ['server', '/CN=localhost'],
      ['client', '/CN=with_certificate'],
    ] as const) {
      await openssl('req', ...keyTo(name), '-out', `${name}.csr`, '-subj', subject)
      await writeFile(`${root}/${name}.ext`, 'subjectAltName=DNS:localhost\n')
      const by = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`]
      await openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...by, ...DAYS)
    }
    await chmod(`${root}/server.key`, 0o600)
    await machine.own(`${root}/server.key`)
    cluster = await machine.newCluster('tls')
    await cluster.create()
    await writeFile(
      cluster.file('pg_hba.conf'),
      'hostssl all with_certificate all cert\nhostssl all hotpatch all scram-sha-256\nhostnossl all hotpatch 127.0.0.1/32 scram-sha-256\n',
    )
    await appendFile(
      cluster.file('postgresql.conf'),
      `ssl = on\nssl_cert_file = '${root}/server.crt'\nssl_key_file = '${root}/server.key'\nssl_ca_file = '${root}/ca.crt'\n`,
    )
    await cluster.start()
    await cluster.ask('create role with_certificate login')
  })
  afterAll(() => machine.close())

  /** Whether the connection is encrypted, or why there is none. */
  async function comesOf(url: string): Promise<string> {
    const db = openDatabase({ kind: 'postgres', url, maxConnections: 1 })
    try {
      const { rows } = await sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db)
      return rows[0]?.ssl ? 'encrypted' : 'in the clear'
    } catch (error) {
      const { code, message } = error as Error & { code?: string }
      return code ?? message
    } finally {
      await db.destroy()
    }
  }

  const port = () => cluster.address.split(':')[1]
  const UNKNOWN_CA = 'SELF_SIGNED_CERT_IN_CHAIN'
  const OTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID'

  test.each([
    ['nothing', 'localhost', '', 'in the clear'],
    ['disable', 'localhost', '?sslmode=disable', 'in the clear'],
    ['no-verify', 'localhost', '?sslmode=no-verify', 'encrypted'],
    ['require, which verifies here', 'localhost', '?sslmode=require', UNKNOWN_CA],
    ['require as libpq has it', 'localhost', '?sslmode=require&uselibpqcompat=true', 'encrypted'],
    ['verify-full without the authority', 'localhost', '?sslmode=verify-full', UNKNOWN_CA],
    ['verify-full with it', 'localhost', '?sslmode=verify-full&sslrootcert=ROOT/ca.crt', 'encrypted'],
    ['verify-full under another name', '127.0.0.1', '?sslmode=verify-full&sslrootcert=ROOT/ca.crt', OTHER_NAME],
    ['sslrootcert alone', 'localhost', '?sslrootcert=ROOT/ca.crt', 'encrypted'],
    ['sslrootcert=system, which is a file here', 'localhost', '?sslmode=verify-full&sslrootcert=system', 'ENOENT'],
  ])('with sslmode %s', async (_name, host, query, expected) => {
    const url = cluster.url(`${host}:${port()}`, query.replaceAll('ROOT', machine.root))
    expect(await comesOf(url)).toBe(expected)
  })

  test('with a certificate of the client, and no password', async () => {
    const files = 'sslmode=verify-full&sslrootcert=ROOT/ca.crt&sslcert=ROOT/client.crt&sslkey=ROOT/client.key'
    const url = `postgres://with_certificate@localhost:${port()}/postgres?${files}`.replaceAll('ROOT', machine.root)
    expect(await comesOf(url)).toBe('encrypted')
    expect(await comesOf(url.replace(/&sslcert.*$/, ''))).toBe('28000')
  })

  test('and several servers', async () => {
    const query = `?sslmode=verify-full&sslrootcert=${machine.root}/ca.crt&target_session_attrs=read-write`
    expect(await comesOf(cluster.url(`localhost:1,localhost:${port()}`, query))).toBe('encrypted')
  })
})
