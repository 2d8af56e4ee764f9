import { createPublicKey, verify } from 'node:crypto'
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('device').addColumn('high_water', 'bigint').execute()
  await db.schema.alterTable('device').addColumn('device_floor', 'bigint').execute()
  await db.schema.alterTable('device').addColumn('trusted_keys', 'text').execute()
  await db.schema.alterTable('device').addColumn('held_release_id', 'text').execute()

  await db.schema.alterTable('rollout').addColumn('key_id', 'text').execute()
  await nameKeysOfRestatements(db)
}

/** The columns that this needs, as they were then. */
interface Tables {
  signing_key: { id: string; app_id: string; public_key: string }
  rollout: {
    id: string
    app_id: string
    statement: string | null
    statement_signature: string | null
    key_id: string | null
  }
}

interface Signed {
  statement: string
  statementSignature: string
}

/** Which key signed a statement was not kept for roll-backs. */
async function nameKeysOfRestatements(db: Kysely<Tables>): Promise<void> {
  const keys = await db.selectFrom('signing_key').select(['id', 'app_id', 'public_key']).execute()
  const signerOf = (appId: string, signed: Signed) =>
    keys.find((key) => key.app_id === appId && isSignedBy(key.public_key, signed))?.id ?? null

  const rollouts = await db
    .selectFrom('rollout')
    .select(['id', 'app_id', 'statement', 'statement_signature'])
    .where('statement', 'is not', null)
    .execute()
  for (const { id, app_id, statement, statement_signature } of rollouts) {
    const key_id = signerOf(app_id, { statement: statement ?? '', statementSignature: statement_signature ?? '' })
    await db.updateTable('rollout').set({ key_id }).where('id', '=', id).execute()
  }
}

function isSignedBy(publicKey: string, { statement, statementSignature }: Signed): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') }
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  return verify(null, Buffer.from(statement), key, Buffer.from(statementSignature, 'base64'))
}
