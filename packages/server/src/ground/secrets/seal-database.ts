import type { Connection, Database } from '../database/schema.ts'
import { isSealed, SecretsKeyError, type SecretBox } from './secret-box.ts'

/** The rows that hold secrets: a table, its column, and what each row's secret is sealed for. */
const SEALED = [
  { table: 'app', column: 'app_key', ownerOf: appKeyOwner },
  { table: 'channel_key', column: 'key', ownerOf: channelKeyOwner },
  { table: 'install_page', column: 'secret', ownerOf: installPageOwner },
  { table: 'edge_key', column: 'private_key', ownerOf: edgeKeyOwner },
  { table: 'webhook', column: 'secrets', ownerOf: webhookOwner },
] as const

const SETTING = 'secrets-key'

export function appKeyOwner(appId: string): string {
  return `app ${appId}`
}

export function channelKeyOwner(keyId: string): string {
  return `channel key ${keyId}`
}

export function installPageOwner(pageId: string): string {
  return `install page ${pageId}`
}

export function edgeKeyOwner(keyId: string): string {
  return `edge key ${keyId}`
}

export function webhookOwner(webhookId: string): string {
  return `webhook ${webhookId}`
}

/**
 * At every start: what is in clear, or under an older key, is sealed under the first key.
 * @throws SecretsKeyError when the database belongs to a key that this server does not have
 */
export async function sealDatabase(db: Database, box: SecretBox): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const known = await findKeyId(tx)
    if (known !== undefined && !box.has(known)) {
      throw new SecretsKeyError(
        'The app keys and webhook secrets in the database were encrypted with another key. Give this server the same ' +
          'HOTPATCH_SECRETS_KEY as before and as the other servers, or the file secrets-key from the data folder where ' +
          'the first of them made it.',
      )
    }
    for (const place of SEALED) await sealRows(tx, box, place)
    await keepKeyId(tx, box.currentKeyId)
  })
}

async function sealRows(tx: Connection, box: SecretBox, { table, column, ownerOf }: (typeof SEALED)[number]) {
  const rows = await tx
    .selectFrom(table as 'app')
    .select(['id', `${column as 'app_key'} as text`])
    .execute()
  for (const { id, text } of rows) {
    if (box.isCurrent(text)) continue
    const secret = isSealed(text) ? await box.open(ownerOf(id), text) : text
    await tx
      .updateTable(table as 'app')
      .set({ [column]: await box.seal(ownerOf(id), secret) })
      .where('id', '=', id)
      .execute()
  }
}

async function findKeyId(db: Connection): Promise<string | undefined> {
  const row = await db.selectFrom('server_setting').select('value').where('name', '=', SETTING).executeTakeFirst()
  return row?.value
}

async function keepKeyId(db: Connection, value: string): Promise<void> {
  await db
    .insertInto('server_setting')
    .values({ name: SETTING, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}
