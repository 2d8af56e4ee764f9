import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sealedText, type AuditLine, type SealedLine } from '@hotpatch/api'
import { migrate, openDatabase, sql, type Database } from '@hotpatch/server/testing'
import { startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createTool, type Tool } from '../testing/run-tool.ts'
import type { Verified } from './verify-chain.ts'

/** Of a log of entries 1 to 6. */
const THIRD = 3

describe('audit verify', () => {
  let db: Database
  let server: TestServer
  let tool: Tool

  beforeAll(async () => {
    db = openDatabase({ kind: 'sqlite', path: ':memory:' })
    await migrate(db)
    server = await startTestServer({ database: db })
    const url = await server.listen()
    for (const name of ['one', 'two', 'three', 'four', 'five']) await server.createToken({ name, role: 'reader' })
    env = { HOTPATCH_URL: url, HOTPATCH_TOKEN: server.ownerToken }
  })
  afterAll(() => server.close())

  let env: Record<string, string>
  beforeEach(async () => {
    tool = await createTool(env)
  })

  const verify = async (...more: string[]) => {
    const { exitCode, stdout, stderr } = await tool.run(['audit', 'verify', '--json', ...more])
    if (stdout === '') throw new Error(stderr)
    const verdict = JSON.parse(stdout) as Verified & { ok: boolean }
    return { exitCode, stderr, ...verdict, finds: verdict.findings.map(({ kind, position }) => `${kind} ${position}`) }
  }

  /** As somebody with the database's password: what is done is undone after the test. */
  async function tampered(change: (tx: Database) => Promise<unknown>, check: () => Promise<void>): Promise<void> {
    await sql`pragma foreign_keys = off`.execute(db)
    const triggers = await sql<{ name: string; sql: string }>`select name, sql from sqlite_master
      where type = 'trigger' and tbl_name in ('audit_entry', 'audit_seal')`.execute(db)
    for (const { name } of triggers.rows) await sql`drop trigger ${sql.ref(name)}`.execute(db)
    const entries = await db.selectFrom('audit_entry').selectAll().execute()
    const seals = await db.selectFrom('audit_seal').selectAll().execute()
    try {
      await change(db)
      await check()
    } finally {
      await db.deleteFrom('audit_seal').execute()
      await db.deleteFrom('audit_entry').execute()
      await db.insertInto('audit_entry').values(entries).execute()
      await db.insertInto('audit_seal').values(seals).execute()
      for (const trigger of triggers.rows) await sql.raw(trigger.sql).execute(db)
    }
  }

  const entryAt = async (position: number) =>
    (await db.selectFrom('audit_seal').select('entry_id').where('position', '=', position).executeTakeFirstOrThrow())
      .entry_id

  test('finds nothing in a log that nobody touched, remembers its end, and knows it again', async () => {
    const first = await verify()
    expect(first).toMatchObject({ exitCode: 0, ok: true, entries: 6, head: { position: 6 }, agreed: null })
    expect(first.stderr).toContain('nothing to compare it with')
    const second = await verify()
    expect(second).toMatchObject({ exitCode: 0, agreed: { position: 6, hash: first.head.hash } })
    const { stdout } = await tool.run('audit verify')
    expect(stdout).toBe(`✓ 6 entries are as they were written. The chain ends at 6:${first.head.hash}\n`)
  })

  test('names an entry that was changed', () =>
    tampered(
      async (tx) =>
        tx
          .updateTable('audit_entry')
          .set({ actor_name: 'nobody' })
          .where('id', '=', await entryAt(THIRD))
          .execute(),
      async () => {
        const { exitCode, finds, findings } = await verify()
        expect([exitCode, finds]).toEqual([1, ['changed 3']])
        expect(findings[0]?.entryId).toBe(await entryAt(THIRD))
        const { stdout } = await tool.run('audit verify')
        expect(stdout).toContain(`✗ changed, entry 3, ${await entryAt(THIRD)}: It is not what was sealed`)
      },
    ))

  test('names one that was made into what no server writes', () =>
    tampered(
      async (tx) =>
        sql`update audit_entry set after = '{', at = 'never' where id = ${await entryAt(THIRD)}`.execute(tx),
      async () => expect((await verify()).finds).toEqual(['changed 3']),
    ))

  test('names one that was removed, with its seal or without', async () => {
    const third = await entryAt(THIRD)
    await tampered(
      (tx) => tx.deleteFrom('audit_entry').where('id', '=', third).execute(),
      async () => {
        expect((await verify()).finds).toEqual(['removed 3'])
        await db.deleteFrom('audit_seal').where('position', '=', THIRD).execute()
        expect((await verify()).finds).toEqual(['removed 3'])
        // And those behind it moved up.
        await db.updateTable('audit_seal').set({ position: THIRD }).where('position', '=', 4).execute()
        await db.updateTable('audit_seal').set({ position: 4 }).where('position', '=', 5).execute()
        await db.updateTable('audit_seal').set({ position: 5 }).where('position', '=', 6).execute()
        expect((await verify()).finds).toEqual(['broken-link 3', 'changed 3', 'changed 4', 'changed 5'])
      },
    )
  })

  test('names one that was put in', () =>
    tampered(
      async (tx) => {
        const [entry] = await tx.selectFrom('audit_entry').selectAll().limit(1).execute()
        if (entry)
          await tx
            .insertInto('audit_entry')
            .values({ ...entry, id: crypto.randomUUID() })
            .execute()
      },
      async () => expect((await verify()).finds).toEqual(['inserted null']),
    ))

  test('names two that were exchanged', () =>
    tampered(
      async (tx) => {
        const [third, fourth] = [await entryAt(3), await entryAt(4)]
        await tx.updateTable('audit_seal').set({ entry_id: 'none' }).where('position', '=', 3).execute()
        await tx.updateTable('audit_seal').set({ entry_id: third }).where('position', '=', 4).execute()
        await tx.updateTable('audit_seal').set({ entry_id: fourth }).where('position', '=', 3).execute()
      },
      async () => expect((await verify()).finds).toEqual(['changed 3', 'changed 4']),
    ))

  test('finds, by the end that it remembers, that the last ones are gone', async () => {
    const before = await verify()
    const cutOff = async (tx: Database) => {
      const last = await entryAt(6)
      await tx.deleteFrom('audit_seal').where('position', '=', 6).execute()
      await tx.deleteFrom('audit_entry').where('id', '=', last).execute()
    }
    await tampered(cutOff, async () => {
      expect((await verify()).finds).toEqual(['cut-off 6'])
      const other = await createTool(env)
      expect((await other.run('audit verify')).exitCode).toBe(0)
      expect((await other.run(['audit', 'verify', '--head', `6:${before.head.hash}`])).exitCode).toBe(1)
    })
    expect((await verify()).ok).toBe(true)
  })

  test('finds, by the end that it remembers, that all of it was made anew; and takes that over when told to', async () => {
    await verify()
    await tampered(rewrite, async () => {
      const { exitCode, finds, stderr } = await verify()
      expect([exitCode, finds]).toEqual([1, ['rewritten 6']])
      expect(stderr).toContain('not as it was written')
      const refused = await tool.run('audit verify --accept')
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') })
      expect((await verify('--accept', '--yes')).exitCode).toBe(0)
      expect((await verify()).agreed).toMatchObject({ position: 6 })
    })
    expect((await verify()).finds).toEqual(['rewritten 6'])
  })

  test('says up to where a chain agrees with what was seen', async () => {
    await verify()
    await server.createToken({ name: 'six', role: 'reader' })
    await verify()
    await tampered(
      async (tx) => {
        const last = await entryAt(7)
        await tx.deleteFrom('audit_seal').where('position', '=', 7).execute()
        await tx.deleteFrom('audit_entry').where('id', '=', last).execute()
      },
      async () => {
        const { finds, stderr } = await verify()
        expect(finds).toEqual(['cut-off 7'])
        expect(stderr).toContain('Up to 6 it is the chain that was seen on')
        // As after a backup was restored: what is written next takes the places of what is gone.
        await server.createToken({ name: 'after the restore', role: 'reader' })
        expect(await verify()).toMatchObject({ finds: ['rewritten 7'], agreed: { position: 6 } })
        expect(await verify('--accept', '--yes')).toMatchObject({ exitCode: 0, head: { position: 7 } })
        expect((await verify()).ok).toBe(true)
      },
    )
  })

  /** Every entry says something else, and every seal fits. */
  async function rewrite(tx: Database): Promise<void> {
    await tx.updateTable('audit_entry').set({ actor_name: 'nobody' }).execute()
    await tx.deleteFrom('audit_seal').execute()
    const ids = await tx.selectFrom('audit_entry').select('id as entry_id').orderBy('id').execute()
    await tx.insertInto('audit_unsealed').values(ids).execute()
    await server.request('GET', '/manage/v1/audit/head')
  }

  describe('of a file', () => {
    const exported = async () => {
      const { exitCode, stdout } = await tool.run('audit export')
      expect(exitCode).toBe(0)
      return stdout.trimEnd().split('\n')
    }
    const verifyLines = async (lines: readonly string[], ...more: string[]) => {
      await tool.write({ 'audit.ndjson': `${lines.join('\n')}\n` })
      return verify('--file', 'audit.ndjson', ...more)
    }
    const changed = (line: string, change: (sealed: SealedLine) => object) =>
      JSON.stringify(change(JSON.parse(line) as SealedLine))

    test('takes one that is whole, and several that follow each other', async () => {
      await tool.run('audit export --out all.ndjson')
      expect(await verify('--file', 'all.ndjson')).toMatchObject({ exitCode: 0, whole: true, entries: 7 })
      expect((await tool.run('audit export --out all.ndjson')).stderr).toContain('is there already')
      const lines = await exported()
      const { stdout } = await tool.run('audit export --after 4')
      const rest = stdout.trimEnd().split('\n')
      expect(rest).toHaveLength(4)
      const { position, hash } = JSON.parse(lines[3] ?? '') as SealedLine
      const end = { ...(JSON.parse(lines.at(-1) ?? '') as object), position, hash }
      expect((await verifyLines([...lines.slice(0, 4), JSON.stringify(end), ...rest])).ok).toBe(true)
      // By itself, against the end of what came before it.
      expect((await verifyLines(rest)).ok).toBe(true)
      expect((await verifyLines(rest, '--head', `4:${hash}`)).agreed).toMatchObject({ position: 4 })
      expect((await verifyLines(rest, '--head', `4:${'0'.repeat(64)}`)).finds).toEqual(['rewritten 4'])
    })

    test('names what is wrong in one, line by line', async () => {
      const lines = await exported()
      const at = (index: number) => lines[index] ?? ''
      const without = (index: number) => lines.toSpliced(index, 1)
      const findsOf = async (...of: string[]) => (await verifyLines(of)).finds
      expect(await findsOf(...without(2))).toEqual(['removed 3'])
      expect(await findsOf(...without(0))).toEqual(['removed 1'])
      expect(await findsOf(at(0), at(2), at(1), ...lines.slice(3))).toEqual(['out-of-order 2'])
      expect(await findsOf(at(0), ...lines)).toEqual(['out-of-order 1'])
      expect(await findsOf(...lines.slice(0, -1))).toEqual(['incomplete 7'])
      expect(await findsOf(...lines.slice(0, -2), at(7))).toEqual(['incomplete 6'])
      expect(await findsOf(...lines.slice(0, 7), '{"kind":"entry"}', at(7))).toEqual(['malformed null'])
      const edited = changed(at(2), (line) => ({ ...line, entry: { ...line.entry, action: 'nothing.happened' } }))
      expect(await findsOf(...lines.with(2, edited))).toEqual(['changed 3'])
      // Its own hash fits again, and the next one's link does not.
      const resealed = changed(at(2), (line) => {
        const entry = { ...line.entry, action: 'nothing.happened' } as NonNullable<SealedLine['entry']>
        const hash = createHash('sha256')
          .update(sealedText({ ...line, entry }))
          .digest('hex')
        return { ...line, entry, hash }
      })
      expect(await findsOf(...lines.with(2, resealed))).toEqual(['broken-link 4'])
      await writeFile(join(tool.cwd, 'no.ndjson'), 'no')
      expect((await tool.run('audit verify --file no.ndjson')).stderr).toContain('Line 1 is not JSON')
    })

    test('of a part of the log checks each entry by itself, and says so', async () => {
      await tool.run('audit export --actor owner --action token --out part.ndjson')
      const lines = (await readFile(join(tool.cwd, 'part.ndjson'), 'utf8')).trimEnd().split('\n')
      expect((JSON.parse(lines.at(-1) ?? '') as AuditLine & { filtered: boolean }).filtered).toBe(true)
      expect((await verifyLines(lines)).finds).toContain('filtered null')
      expect(await verifyLines(lines, '--partial')).toMatchObject({ ok: true, whole: false })
      const edited = changed(lines[1] ?? '', (line) => ({ ...line, entry: { ...line.entry, actorName: 'nobody' } }))
      expect((await verifyLines(lines.with(1, edited), '--partial')).finds).toHaveLength(1)
    })
  })
})
