import {
  bundleOf,
  describeOnEveryDatabase,
  newSigningKey,
  sha256Of,
  signRelease,
  signStatement,
  startTestServer,
  type TestServer,
} from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../../ground/database/schema.ts'

describeOnEveryDatabase('what a publisher signed', (openDatabase) => {
  let db: Database
  let server: TestServer
  beforeAll(async () => {
    db = await openDatabase()
    server = await startTestServer({ database: db })
  })
  afterAll(() => server.close())

  async function start() {
    const app = await server.createTestApp()
    const key = newSigningKey()
    const sign = (version: string, sequence: number, bundle: Uint8Array) =>
      signRelease(key, { appId: app.id, platform: 'android', version, sequence, bundle })
    const statements = () =>
      db.selectFrom('statement').selectAll().where('app_id', '=', app.id).orderBy('sequence').execute()
    return { app, key, sign, statements }
  }
  const textOf = (statement: string) => Buffer.from(statement, 'base64').toString()

  test('is one row with its exact text, to which the release, the roll-back and the step back refer', async () => {
    const { app, sign, statements } = await start()
    const [one, two] = [await bundleOf('one'), await bundleOf('two')]
    const ofOne = sign('1.0.0', 1, one)
    const ofTwo = sign('2.0.0', 2, two)
    const back = sign('1.0.0', 3, one)
    const first = await server.published(app, { bundle: one, version: '1.0.0', signatures: ofOne })
    const second = await server.published(app, {
      bundle: two,
      version: '2.0.0',
      signatures: {
        ...ofTwo,
        rollbackStatement: back.statement,
        rollbackStatementSignature: back.statementSignature,
      },
    })
    const again = sign('1.0.0', 4, one)
    const { statement, statementSignature } = again
    const body = { platform: 'android', channel: 'production', to: { version: '1.0.0' }, statement, statementSignature }
    const { body: rolledBack } = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })

    const rows = await statements()
    expect(rows).toMatchObject(
      [ofOne, ofTwo, back, again].map((signed, index) => ({
        platform: 'android',
        sequence: index + 1,
        floor: 0,
        text: textOf(signed.statement),
        signature: signed.statementSignature,
        stated_at: Date.UTC(2027, 0, 1),
      })),
    )
    const [firstRow, secondRow, backRow, againRow] = rows
    const releases = await db
      .selectFrom('release')
      .select(['id', 'statement_id'])
      .where('app_id', '=', app.id)
      .execute()
    expect(new Map(releases.map((row) => [row.id, row.statement_id]))).toEqual(
      new Map([
        [first.releaseId, firstRow?.id],
        [second.releaseId, secondRow?.id],
      ]),
    )
    const rollouts = await db
      .selectFrom('rollout')
      .select(['id', 'statement_id'])
      .where('app_id', '=', app.id)
      .execute()
    expect(new Map(rollouts.map((row) => [row.id, row.statement_id]))).toEqual(
      new Map([
        [first.rolloutId, null],
        [second.rolloutId, null],
        [rolledBack.id, againRow?.id],
      ]),
    )
    expect(await db.selectFrom('step_back').selectAll().where('rollout_id', '=', second.rolloutId).execute()).toEqual([
      { rollout_id: second.rolloutId, step: 1, release_id: first.releaseId, statement_id: backRow?.id },
    ])
  })

  test('of the bundle alone is a signature of the release, with its scheme, key and subject', async () => {
    const { app, key, sign, statements } = await start()
    const bundle = await bundleOf('old tool')
    const { signature, publicKey } = sign('1.0.0', 1, bundle)
    const { releaseId } = await server.published(app, {
      bundle,
      version: '1.0.0',
      signatures: { signature, publicKey },
    })
    const { body: keys } = await server.request('GET', `/manage/v1/apps/${app.slug}/keys`)
    expect(keys.items).toMatchObject([{ algorithm: 'ed25519', publicKey: key.publicKey }])
    expect(await statements()).toEqual([])
    expect(await db.selectFrom('signature').selectAll().where('release_id', '=', releaseId).execute()).toEqual([
      {
        release_id: releaseId,
        subject: 'bundle.zip',
        scheme: 'ed25519-digest',
        key_id: keys.items[0].id,
        value: signature,
      },
    ])
    const { body: release } = await server.request('GET', `/manage/v1/releases/${releaseId}`)
    expect(release).toMatchObject({
      signature,
      keyId: keys.items[0].id,
      statement: null,
      floor: 0,
      content: { sha256: sha256Of(bundle) },
    })
  })

  test('that is refused leaves no row', async () => {
    const { app, key, sign, statements } = await start()
    const bundle = await bundleOf('one')
    await server.published(app, { bundle, version: '1.0.0', signatures: sign('1.0.0', 1, bundle) })
    const lie = signStatement(key, textOf(sign('1.0.0', 2, await bundleOf('another')).statement))
    const body = { platform: 'android', channel: 'production', to: { version: '1.0.0' }, ...lie }
    const { status } = await server.request('POST', `/manage/v1/apps/${app.slug}/rollbacks`, { body })
    expect(status).toBe(422)
    expect((await statements()).map(({ sequence }) => sequence)).toEqual([1])
  })
})
