import { findEncrypted, type TakenForm } from '@hotpatch/protocol'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedVariant } from '../../updates/offered-variant-queries.ts'
import { toldText, type Fields } from '../reading/read-fields.ts'

/** Undefined of a plugin without a key. */
export function keyIdOf(fields: Fields): string | undefined {
  return toldText(fields, 'key_id', 64)
}

/** What was encrypted of the release for the key of the plugin. */
export function variantFor({ variants }: OfferedRelease, fields: Fields): OfferedVariant | undefined {
  const told = keyIdOf(fields)
  return told === undefined ? undefined : findEncrypted(variants, [encryptedFor(told)])
}

/** Plugins before 8.40.7 tell four characters of their key. */
export function encryptedFor(keyId: string): TakenForm {
  return { algorithm: 'capgo-v2', keyId }
}
