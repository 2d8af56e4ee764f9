import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrate } from '../ground/database/migrate.ts'
import { openDatabase } from '../ground/database/open-database.ts'
import { describeStartError } from './start-error.ts'

const coded = (message: string, code: string, cause?: unknown) => Object.assign(new Error(message, { cause }), { code })

describe('an error that stops the start says its cause, and what to do', () => {
  test.each<[unknown, RegExp]>([
    [
      new Error('The database migration 0001-init failed; nothing was changed.', {
        cause: coded('permission denied for schema public', '42501'),
      }),
      /0001-init failed; nothing was changed: permission denied for schema public .*grant usage, create on schema/,
    ],
    [coded('password authentication failed for user "x"', '28P01'), /Correct the user and the password/],
    [
      coded('no pg_hba.conf entry for host "::1", user "x", database "x", no encryption', '28000'),
      /no encryption\. It wants encrypted connections: write sslmode=verify-full/,
    ],
    [coded('no pg_hba.conf entry for host "::1", user "x", database "x", SSL encryption', '28000'), /pg_hba\.conf of/],
    [coded('unsupported startup parameter: lock_timeout', '08P01'), /PgBouncer .*ignore_startup_parameters/],
    [coded('unable to verify', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'), /not who it should be: .*sslrootcert=/],
    [coded('self-signed', 'SELF_SIGNED_CERT_IN_CHAIN'), /not who it should be: .*sslrootcert=/],
    [coded('IP: ::1 is not', 'ERR_TLS_CERT_ALTNAME_INVALID'), /not who it should be: .*Name its host in DATABASE_URL/],
    [coded('certificate has expired', 'CERT_HAS_EXPIRED'), /not who it should be: .*log of the database/],
    [new Error('The server does not support SSL connections'), /takes no encrypted connections\. Turn TLS on/],
    [
      Object.assign(coded("ENOENT: no such file or directory, open '/ca.pem'", 'ENOENT'), {
        syscall: 'open',
        path: '/ca.pem',
      }),
      /open '\/ca\.pem'\. A file that DATABASE_URL names \(sslrootcert/,
    ],
    [coded('database "x" does not exist', '3D000'), /Create that database/],
    [coded('sorry, too many clients already', '53300'), /lower HOTPATCH_DATABASE_CONNECTIONS/],
    [
      coded('relation "x" does not exist', '42P01'),
      /The database refuses: relation "x" does not exist .*log of the data/,
    ],
    [
      new Error('no', { cause: coded('connect', 'ECONNREFUSED') }),
      /does not answer: no: connect\. Look at DATABASE_URL/,
    ],
    [
      new AggregateError([coded('connect ::1', 'ECONNREFUSED'), coded('connect 127.0.0.1', 'ECONNREFUSED')]),
      /does not answer: .*connect ::1.*connect 127/,
    ],
    [new Error('timeout exceeded when trying to connect'), /does not answer/],
    [Object.assign(new Error('busy'), { syscall: 'listen', code: 'EADDRINUSE' }), /Set PORT and HOTPATCH_HOST/],
    [
      Object.assign(new Error('bind EADDRINUSE'), { syscall: 'bind', code: 'EADDRINUSE' }),
      /Set PORT and HOTPATCH_HOST/,
    ],
    [coded('disk I/O error', 'ERR_SQLITE_ERROR'), /HOTPATCH_DATA must be a folder/],
    [new Error('odd', { cause: new Error('still odd') }), /^Error: odd\n +at [^]*\nbecause of Error: still odd$/],
  ])('%s', (error, expected) => expect(describeStartError(error)).toMatch(expected))
})

const url = process.env.TEST_POSTGRES_URL

// On PGlite there is one role, and nobody connects.
describe.skipIf(!url)('on a real PostgreSQL', () => {
  const name = `hotpatch_start_${process.pid}`
  let admin: Client
  beforeAll(async () => {
    admin = new Client({ connectionString: url })
    await admin.connect()
    await admin.query(`create role ${name} login password '${name}'`)
    await admin.query(`create database ${name}`)
  })
  afterAll(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.query(`drop role ${name}`)
    await admin.end()
  })

  async function start(changes: { role?: boolean; schema?: string } = {}): Promise<string> {
    const address = new URL(url ?? '')
    address.pathname = name
    if (changes.role) address.username = address.password = name
    if (changes.schema) address.searchParams.set('options', `-c search_path=${changes.schema}`)
    const db = openDatabase({ kind: 'postgres', url: address.href, maxConnections: 2 })
    try {
      await migrate(db)
      return 'migrated'
    } catch (error) {
      return describeStartError(error)
    } finally {
      await db.destroy()
    }
  }

  test('a role that may not make tables is told so', async () => {
    expect(await start({ role: true })).toMatch(/permission denied for schema public .*let it own the database/)
  })

  test('several servers have a schema each of one database', async () => {
    const client = new Client({ connectionString: Object.assign(new URL(url ?? ''), { pathname: name }).href })
    await client.connect()
    await client.query('create schema second')
    expect([await start(), await start({ schema: 'second' }), await start({ schema: 'second' })]).toEqual([
      'migrated',
      'migrated',
      'migrated',
    ])
    const { rows } = await client.query("select schemaname from pg_tables where tablename = 'app' order by 1")
    expect(rows).toEqual([{ schemaname: 'public' }, { schemaname: 'second' }])
    await client.end()
  })

  test('a schema that does not exist is named as what is wrong', async () => {
    expect(await start({ schema: 'nowhere' })).toMatch(/^None of the schemas in the search_path of DATABASE_URL exists/)
  })
})
