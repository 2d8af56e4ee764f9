import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../../ground/database/schema.ts'

/** How the library begins what it has encrypted with the key of a number. */
const sealedWith = (version: number) => `$ba$${version}$`

/**
 * At every start: what is under an older key is put under the first one, so that the older one can be taken away. The
 * library does it, and is loaded for it only when there is something to do.
 */
export async function resealSecondFactors(
  db: Database,
  secrets: readonly { version: number; value: string }[],
  log: FastifyBaseLogger,
): Promise<void> {
  const currentVersion = secrets[0]?.version ?? 0
  const rows = await db
    .selectFrom('two_factor')
    .select(['id', 'secret', 'backup_codes'])
    .where('secret', 'not like', `${sealedWith(currentVersion)}%`)
    .execute()
  if (rows.length === 0) return
  const { symmetricDecrypt, symmetricEncrypt } = await import('better-auth/crypto')
  const key = { currentVersion, keys: new Map(secrets.map(({ version, value }) => [version, value])) }
  const anew = async (data: string) => symmetricEncrypt({ key, data: await symmetricDecrypt({ key, data }) })
  for (const { id, secret, backup_codes: codes } of rows) {
    try {
      const sealed = { secret: await anew(secret), backup_codes: await anew(codes) }
      // Whoever has just set up another has a newer one.
      await db.updateTable('two_factor').set(sealed).where('id', '=', id).where('secret', '=', secret).execute()
    } catch (error) {
      log.warn({ err: error, of: id }, 'a second factor is under a key that is not here; its owner needs a reset')
    }
  }
}
