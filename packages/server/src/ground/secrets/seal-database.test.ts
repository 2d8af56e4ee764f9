import {
  describeOnEveryDatabase,
  dumpDatabase,
  startTestServer,
  temporaryDirectory,
  type TestServer,
} from '@hotpatch/testkit'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../database/schema.ts'
import { sealDatabase } from './seal-database.ts'
import { createSecretBox } from './secret-box.ts'

const OLD = 'the key of the first year of a long life'
const NEW = 'the key of the second year of a long life'

const hook = { url: 'https://93.184.215.14/', types: [] }

async function withSecrets(server: TestServer) {
  const app = await server.createTestApp()
  const { body: webhook } = await server.request('POST', '/manage/v1/webhooks', { body: hook })
  const { body: rotated } = await server.request('POST', `/manage/v1/webhooks/${webhook.id}/rotate-secret`)
  return { app, secrets: [app.appKey, webhook.secret, rotated.secret] as string[] }
}

describeOnEveryDatabase('secrets in the database', (openDatabase) => {
  async function expectSealed(db: Database, secrets: readonly string[]) {
    const text = JSON.stringify(await dumpDatabase(db))
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(20)
      expect(text).not.toContain(secret.slice(6))
      expect(text).not.toContain(Buffer.from(secret).toString('base64').slice(8, -4))
    }
  }

  test('stand nowhere in clear, the audit log included, and work all the same', async () => {
    const db = await openDatabase()
    const server = await startTestServer({ database: db })
    onTestFinished(() => server.close())
    const { app, secrets } = await withSecrets(server)
    await server.request('PATCH', `/manage/v1/apps/${app.slug}`, { body: { name: 'changed' } })
    await expectSealed(db, secrets)
    expect((await server.request('GET', `/manage/v1/apps/${app.slug}`)).body.appKey).toBe(app.appKey)
    expect((await server.request('GET', '/manage/v1/apps')).body.items).toMatchObject([{ appKey: app.appKey }])
    expect((await server.check(app)).status).toBe(200)
    expect((await server.check({ ...app, appKey: 'hpk_another' })).status).toBe(401)
  })

  test('from before are sealed at the start, and again when the key is another', async () => {
    const db = await openDatabase()
    const server = await startTestServer({ database: db, env: { HOTPATCH_SECRETS_KEY: OLD } })
    onTestFinished(() => server.close())
    const { app, secrets } = await withSecrets(server)
    await db.updateTable('app').set({ app_key: app.appKey }).execute()
    await sealDatabase(db, createSecretBox([OLD]))
    await expectSealed(db, secrets)
    const before = await db.selectFrom('webhook').select('secrets').execute()
    await sealDatabase(db, createSecretBox([NEW, OLD]))
    expect(await db.selectFrom('webhook').select('secrets').execute()).not.toEqual(before)
    await expectSealed(db, secrets)
    // The old key is no longer needed, and no longer enough.
    await sealDatabase(db, createSecretBox([NEW]))
    await expect(sealDatabase(db, createSecretBox([OLD]))).rejects.toThrow(/HOTPATCH_SECRETS_KEY/)
  })
})

describe('a server', () => {
  test('with another key does not start, and says what to do', async () => {
    const directory = await temporaryDirectory()
    const first = await startTestServer({ onFile: true, env: { HOTPATCH_DATA: directory, HOTPATCH_SECRETS_KEY: OLD } })
    await first.createTestApp()
    await first.close()
    const start = startTestServer({ onFile: true, env: { HOTPATCH_DATA: directory, HOTPATCH_SECRETS_KEY: NEW } })
    await expect(start).rejects.toThrow(/HOTPATCH_SECRETS_KEY.*secrets-key/s)
    // Nothing was lost by it.
    const again = await startTestServer({ onFile: true, env: { HOTPATCH_DATA: directory, HOTPATCH_SECRETS_KEY: OLD } })
    onTestFinished(() => again.close())
    const sqlite = new DatabaseSync(join(directory, 'hotpatch.db'), { readOnly: true })
    expect(sqlite.prepare('select count(*) as count from app').get()).toEqual({ count: 1 })
    sqlite.close()
  })
})

describe('the metrics', () => {
  async function start(env: Record<string, string> = {}) {
    const server = await startTestServer({ env })
    onTestFinished(() => server.close())
    return server
  }
  const read = (server: TestServer, token: string | null) => server.request('GET', '/metrics', { token })

  test('are for whoever has a token for all apps', async () => {
    const server = await start()
    const app = await server.createTestApp()
    expect((await read(server, null)).status).toBe(401)
    expect((await read(server, await server.createToken({ role: 'reader' }))).status).toBe(200)
    expect((await read(server, await server.createToken({ role: 'owner', app: app.slug }))).status).toBe(403)
  })

  test('are for everyone when they are open, and for nobody when they are off', async () => {
    expect((await read(await start({ HOTPATCH_METRICS: 'open' }), null)).status).toBe(200)
    const closed = await start({ HOTPATCH_METRICS: 'off' })
    expect((await read(closed, closed.ownerToken)).status).toBe(404)
  })
})
