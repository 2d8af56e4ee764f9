import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { OfferedVariant } from '../../updates/offered-variants.ts'
import { toldText, type Fields } from '../reading/read-fields.ts'

/** Plugins before 8.40.7 tell no more of their key. */
const SHORT_KEY_ID = 4

/** Undefined of a plugin without a key. */
export function keyIdOf(fields: Fields): string | undefined {
  return toldText(fields, 'key_id', 64)
}

/** What was encrypted of the release for the key of the plugin. */
export function variantFor({ variants }: OfferedRelease, fields: Fields): OfferedVariant | undefined {
  const told = keyIdOf(fields)
  if (told === undefined) return undefined
  const isIts = (keyId: string) => keyId === told || (told.length === SHORT_KEY_ID && keyId.startsWith(told))
  return variants.find(({ algorithm, keyId }) => algorithm === 'capgo-v2' && isIts(keyId))
}
