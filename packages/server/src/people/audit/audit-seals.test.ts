import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import { get, type ClientRequest, type IncomingMessage } from 'node:http'
import { createManagementClient, sealedText, type AuditLine, type SealedLine } from '@hotpatch/api'
import {
  createPostgresDatabase,
  describeOnEveryDatabase,
  fixedClock,
  problemOf,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemTimers } from '../../ground/clock.ts'
import { migrate } from '../../ground/database/migrate.ts'
import { MIGRATIONS } from '../../ground/database/migrations/index.ts'
import { openDatabase } from '../../ground/database/open-database.ts'
import type { Database } from '../../ground/database/schema.ts'
import { peopleOf } from '../accounts/testing/people.ts'
import { createAuditExports } from './audit-export.ts'
import { createAuditSealer } from './audit-sealer.ts'

const silent = { error: () => undefined }

function linesOf(body: unknown): AuditLine[] {
  return String(body)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditLine)
}

/** Whether each line's hash is of itself and of the one before; as somebody else would compute it. */
function isChain(sealed: readonly SealedLine[], from = { position: 0, hash: '0'.repeat(64) }): boolean {
  let before = from
  return sealed.every(({ position, previousHash, hash, entry }) => {
    const follows = position === before.position + 1 && previousHash === before.hash
    before = { position, hash }
    return (
      follows &&
      entry !== null &&
      createHash('sha256').update(sealedText({ position, previousHash, entry })).digest('hex') === hash
    )
  })
}

const sealedOf = (lines: readonly AuditLine[]) => lines.filter((line): line is SealedLine => line.kind === 'entry')

describeOnEveryDatabase('seals of the audit log', (openDatabaseForTest, database) => {
  const clock = fixedClock()
  let db: Database
  let server: TestServer
  beforeAll(async () => {
    db = await openDatabaseForTest()
    server = await startTestServer({ database: db, clock })
  })
  afterAll(() => server.close())

  const exported = async (query = '', token?: string) => {
    const answer = await server.request('GET', `/manage/v1/audit/export${query}`, { ...(token && { token }) })
    expect(answer.status).toBe(200)
    return linesOf(answer.body)
  }
  const head = async () => (await server.request('GET', '/manage/v1/audit/head')).body

  test('chain every entry to the one before it, in the export as in the list', async () => {
    const app = await server.createTestApp()
    clock.advance(1000)
    await server.createToken({ name: 'ci', role: 'reader' })
    const lines = await exported()
    const sealed = sealedOf(lines)
    expect(isChain(sealed)).toBe(true)
    expect(sealed.map(({ entry }) => entry?.action)).toEqual(
      expect.arrayContaining(['token.created', 'app.created', 'token.created']),
    )
    const last = sealed.at(-1)
    expect(lines.at(-1)).toEqual({
      kind: 'end',
      after: 0,
      position: sealed.length,
      hash: last?.hash,
      waiting: 0,
      filtered: false,
      at: new Date(clock.now()).toISOString(),
    })
    expect(await head()).toMatchObject({ position: last?.position, hash: last?.hash, waiting: 0 })
    const { items } = (await server.request('GET', '/manage/v1/audit?action=token.created&limit=1')).body
    expect(items[0].seal).toEqual({ position: last?.position, hash: last?.hash })
    expect(items[0]).toMatchObject({ ...last?.entry })
    expect(sealed.some(({ entry }) => entry?.appId === app.id)).toBe(true)
  })

  test('are exported from a position on, as lines, for download', async () => {
    const { position, hash } = await head()
    await server.createToken({ name: 'later', role: 'reader' })
    const sealed = sealedOf(await exported(`?after=${position}`))
    expect(sealed).toHaveLength(1)
    expect(isChain(sealed, { position, hash })).toBe(true)
    const { headers } = await server.request('GET', '/manage/v1/audit/export')
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="audit.ndjson"',
      'cache-control': 'no-store',
    })
  })

  test('of one app are what its own admin gets, and each holds by itself', async () => {
    const app = await server.createTestApp()
    await server.createTestApp()
    const token = await server.createToken({ role: 'admin', app: app.slug })
    const lines = await exported('', token)
    expect(lines.at(-1)).toMatchObject({ kind: 'end', filtered: true })
    const sealed = sealedOf(lines)
    expect(new Set(sealed.map(({ entry }) => entry?.appId))).toEqual(new Set([app.id]))
    for (const line of sealed) {
      expect(isChain([line], { position: line.position - 1, hash: line.previousHash })).toBe(true)
    }
    const publisher = await server.createToken({ role: 'publisher' })
    for (const path of ['export', 'head']) {
      const refused = await server.request('GET', `/manage/v1/audit/${path}`, { token: publisher })
      expect(problemOf(refused)).toBe('403 forbidden')
    }
  })

  test('are made by several at once, one after the other', async () => {
    const sealers = Array.from({ length: 3 }, () =>
      createAuditSealer({ db, clock, timers: systemTimers, intervalMs: 1000, log: silent }),
    )
    for (let round = 0; round < 4; round++) {
      const made = Array.from({ length: 5 }, (_, index) => server.createToken({ name: `n${index}`, role: 'reader' }))
      await Promise.all([...made, ...sealers.map(({ settle }) => settle())])
    }
    expect(isChain(sealedOf(await exported()))).toBe(true)
    expect(await head()).toMatchObject({ waiting: 0 })
  })

  test('cannot be changed or removed in the database itself', async () => {
    await expect(db.updateTable('audit_seal').set({ hash: '' }).execute()).rejects.toThrow('append-only')
    await expect(db.deleteFrom('audit_seal').execute()).rejects.toThrow('append-only')
  })

  test('that break off are made another time, without a gap', async () => {
    await head()
    const { position } = await head()
    const [create, drop] =
      database === 'sqlite'
        ? [
            [
              sql`create trigger broken before delete on audit_unsealed begin select raise(abort, 'the power is gone'); end`,
            ],
            [sql`drop trigger broken`],
          ]
        : [
            [
              sql`create function broken() returns trigger language plpgsql as
                $$ begin raise exception 'the power is gone'; end $$`,
              sql`create trigger broken before delete on audit_unsealed for each statement execute function broken()`,
            ],
            [sql`drop trigger broken on audit_unsealed`, sql`drop function broken`],
          ]
    for (const statement of create) await statement.execute(db)
    await server.createToken({ name: 'while it is broken', role: 'reader' })
    expect((await server.request('GET', '/manage/v1/audit/head')).status).toBe(500)
    for (const statement of drop) await statement.execute(db)
    expect(await head()).toMatchObject({ position: position + 1, waiting: 0 })
    expect(isChain(sealedOf(await exported()))).toBe(true)
  })

  test('are read a piece at a time, however long entries are', async () => {
    const after = JSON.stringify({ notes: 'x'.repeat(400_000) })
    const template = (await db.selectFrom('audit_entry').selectAll().limit(1).execute())[0]
    if (!template) throw new Error('There is no entry.')
    for (let count = 0; count < 12; count++) {
      const id = crypto.randomUUID().replace(/^./, 'f')
      await db
        .insertInto('audit_entry')
        .values({ ...template, id, after })
        .execute()
      await db.insertInto('audit_unsealed').values({ entry_id: id }).execute()
    }
    const { position } = await head()
    const sealed = sealedOf(await exported())
    expect(sealed).toHaveLength(position)
    expect(isChain(sealed)).toBe(true)
  })

  test('are found again by every filter', async () => {
    const app = await server.createTestApp()
    const { body: token } = await server.request('POST', '/manage/v1/tokens', {
      body: { name: '50%_off', role: 'admin' },
    })
    clock.advance(60_000)
    const from = new Date(clock.now()).toISOString()
    await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { name: 'Ünique' }, token: token.token })
    clock.advance(60_000)
    const to = new Date(clock.now()).toISOString()
    await server.createTestApp()
    const actionsOf = async (query: string) => {
      const { items } = (await server.request('GET', `/manage/v1/audit?${query}`)).body as {
        items: { action: string }[]
      }
      const lines = sealedOf(await exported(`?${query}`)).map(({ entry }) => entry?.action)
      expect(lines.toReversed()).toEqual(items.map(({ action }) => action))
      return lines
    }
    expect(await actionsOf(`app=${app.slug}&action=app`)).toEqual(['app.created', 'app.changed'])
    expect(await actionsOf(`app=${app.slug}&action=app.`)).toEqual(['app.created', 'app.changed'])
    expect(await actionsOf(`app=${app.slug}&action=ap`)).toEqual([])
    expect(await actionsOf(`actor=${token.id}`)).toEqual(['app.changed'])
    expect(await actionsOf('actor=50%25_OFF')).toEqual(['app.changed'])
    expect(await actionsOf('actor=50%25xoff')).toEqual([])
    expect(await actionsOf(`from=${from}&to=${to}`)).toEqual(['app.changed'])
    expect(await actionsOf(`app=${app.slug}&text=%C3%9Cnique`)).toEqual(['app.changed'])
    expect(await actionsOf(`subjectId=${app.id}&text=app.CHANGED`)).toEqual(['app.changed'])
    expect(problemOf(await server.request('GET', '/manage/v1/audit?from=yesterday'))).toBe('400 invalid-request')
  })
})

test('the log of an older server is sealed at the start, and what nobody wrote afterwards is not', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  const older = Object.entries(MIGRATIONS).filter(([name]) => name < '0033-audit-seals')
  await migrate(db, Object.fromEntries(older))
  const entry = (index: number) => ({
    id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
    at: index,
    actor_name: 'server',
    action: 'token.created',
    subject_kind: 'token',
    subject_id: String(index),
    actor_kind: 'server' as const,
  })
  const insert = (index: number) =>
    sql`insert into audit_entry ${sql.raw('(id, at, actor_name, action, subject_kind, subject_id, actor_kind)')}
      values (${sql.join(Object.values(entry(index)))})`.execute(db)
  for (let index = 1; index <= 250; index++) await insert(index)
  const server = await startTestServer({ database: db })
  onTestFinished(() => server.close())
  const { body: head } = await server.request('GET', '/manage/v1/audit/head')
  // And the first owner.
  expect(head).toMatchObject({ position: 251, waiting: 0 })
  await insert(9999)
  const lines = linesOf((await server.request('GET', '/manage/v1/audit/export')).body)
  expect(isChain(sealedOf(lines))).toBe(true)
  expect(lines.at(-2)).toMatchObject({ kind: 'unsealed', entry: { subjectId: '9999' } })
})

test('the client reads an export as it comes', async () => {
  const server = await startTestServer()
  onTestFinished(() => server.close())
  const client = createManagementClient({ url: await server.listen(), token: server.ownerToken })
  const kinds: string[] = []
  for await (const { kind } of client.exportAudit()) kinds.push(kind)
  expect(kinds).toEqual(['entry', 'end'])
  expect(await client.getAuditHead()).toMatchObject({ position: 1 })
})

test('eight exports are open at most', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  await migrate(db)
  onTestFinished(() => db.destroy())
  const { start } = createAuditExports({ reads: db, timers: systemTimers })
  const head = { position: 0, hash: '0'.repeat(64), waiting: 0, at: '' }
  const by = (reader: string) => ({ query: { appIds: null }, after: 0, head, reader })
  const open = Array.from({ length: 8 }, (_, index) => start(by(`reader ${index}`)))
  expect(() => start(by('another'))).toThrow('8 exports of the audit log are under way')
  open[0]?.destroy()
  await once(open[0] ?? new EventEmitter(), 'close')
  open.push(start(by('another')))
  for (const stream of open) stream.destroy()
})

/** Long entries: more than lies between the server and somebody who takes nothing. */
async function writeLong(db: Database, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const id = `ffffffff-0000-7000-8000-${String(index).padStart(12, '0')}`
    const author = { at: index, actor_id: null, actor_name: 'server', actor_kind: 'server' as const, person_id: null }
    const subject = { action: 'test', subject_kind: 'test', subject_id: id, app_id: null }
    const rest = { address: null, request_id: null, before: null, after: JSON.stringify(LONG) }
    await db
      .insertInto('audit_entry')
      .values({ id, ...author, ...subject, ...rest })
      .execute()
  }
}

const LONG = `a${'\u{1F600}'.repeat(200_000)}`

test('an export ends of which nothing is taken for a minute, and one that is read does not', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  await migrate(db)
  onTestFinished(() => db.destroy())
  await writeLong(db, 3)
  const waiting = new Set<() => void>()
  const timers = {
    after(delayMs: number, run: () => void) {
      expect(delayMs).toBe(60_000)
      waiting.add(run)
      return () => void waiting.delete(run)
    },
  }
  const { start } = createAuditExports({ reads: db, timers })
  const head = { position: 0, hash: '0'.repeat(64), waiting: 0, at: '' }
  const asked = { query: { appIds: null }, after: 0, head, reader: 'one' }

  const read = start(asked)
  const chunks: Buffer[] = []
  for await (const chunk of read) chunks.push(chunk as Buffer)
  const lines = linesOf(Buffer.concat(chunks).toString())
  expect(lines.map(({ kind }) => kind)).toEqual(['unsealed', 'unsealed', 'unsealed', 'end'])
  expect(lines[0]).toMatchObject({ entry: { after: LONG } })
  expect(waiting.size).toBe(0)

  const stalled = [start(asked), start(asked)]
  for (const stream of stalled) stream.once('readable', () => stream.read(1))
  expect(() => start(asked)).toThrow('2 exports of the audit log of yours are under way')
  await expect.poll(() => waiting.size).toBe(2)
  const ends = stalled.map((stream) => once(stream, 'close').catch((error: unknown) => String(error)))
  for (const run of waiting) run()
  expect(await Promise.all(ends)).toEqual([0, 1].map(() => expect.stringContaining('was taken for 60 s')))
  expect(waiting.size).toBe(0)
  start(asked).destroy()
})

test('of the exports one person has two at most, also with several tokens, and others have theirs', async () => {
  const db = openDatabase({ kind: 'sqlite', path: ':memory:' })
  const server = await startTestServer({ database: db })
  onTestFinished(() => server.close())
  // More than a system takes of what nobody reads, which may be 36 MiB.
  await writeLong(db, 60)
  const address = new URL('/manage/v1/audit/export', await server.listen())
  const owner = await peopleOf(server).firstOwner()
  const tokens: string[] = []
  for (const name of ['one', 'two', 'three']) {
    tokens.push((await owner.post('/tokens', { name, role: 'admin' })).body.token as string)
  }
  const asked: ClientRequest[] = []
  /** Takes the head of the answer, and no more. */
  async function stall(token: string): Promise<number | undefined> {
    const request = get(address, { headers: { authorization: `Bearer ${token}` } })
    asked.push(request)
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    return response.statusCode
  }
  const statuses: (number | undefined)[] = []
  for (const token of [...tokens, server.ownerToken]) statuses.push(await stall(token))
  for (const request of asked) request.destroy()
  expect(statuses).toEqual([200, 200, 429, 200])
})

const postgres = process.env.TEST_POSTGRES_URL
test.skipIf(!postgres)('two servers on one database make one chain', async () => {
  const database = await createPostgresDatabase(postgres ?? '')
  onTestFinished(() => database.drop())
  const env = { DATABASE_URL: database.url, JWT_SECRET: 'j'.repeat(32) }
  const first = await startTestServer({ env })
  const second = await startTestServer({ env })
  onTestFinished(async () => {
    await Promise.all([first.close(), second.close()])
  })
  const token = first.ownerToken
  await Promise.all(
    Array.from({ length: 40 }, async (_, index) => {
      const server = index % 2 ? first : second
      await server.request('POST', '/manage/v1/tokens', { token, body: { name: `n${index}`, role: 'reader' } })
      await server.request('GET', '/manage/v1/audit/head', { token })
    }),
  )
  const lines = linesOf((await second.request('GET', '/manage/v1/audit/export', { token })).body)
  expect(sealedOf(lines)).toHaveLength(41)
  expect(isChain(sealedOf(lines))).toBe(true)
})
