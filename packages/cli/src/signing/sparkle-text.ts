import { isEd25519PublicKey } from '@hotpatch/signatures'
import { UsageError } from '../errors/errors.ts'

/** What Sparkle's `sign_update` prints of one file, Signing §10.2. */
export interface SparkleSignature {
  /** Base64. */
  value: string
  /** Of the file; undefined after `sign_update -p`. */
  sizeBytes: number | undefined
}

const ATTRIBUTE = /sparkle:edSignature="([A-Za-z0-9+/=]+)"/g
const LENGTH = /\blength="([0-9]{1,16})"/
const PLAIN = /^[A-Za-z0-9+/]{86}==$/

/** @throws UsageError when it is something else */
export function readSparkleSignature(text: string): SparkleSignature {
  const trimmed = text.trim()
  if (PLAIN.test(trimmed)) return { value: trimmed, sizeBytes: undefined }
  const values = [...trimmed.matchAll(ATTRIBUTE)].map(([, value = '']) => value)
  const [value, another] = values
  const length = LENGTH.exec(trimmed)?.[1]
  if (value !== undefined && another === undefined && PLAIN.test(value)) {
    return { value, sizeBytes: length === undefined ? undefined : Number(length) }
  }
  const expected = 'what sign_update prints of one file, sparkle:edSignature="…" length="…"'
  throw new UsageError(`--sparkle: expected ${expected}, found "${trimmed.slice(0, 200)}".`)
}

/** @throws UsageError when it is no SUPublicEDKey */
export function readSparklePublicKey(text: string): string {
  const key = text.trim()
  if (isEd25519PublicKey(key)) return key
  throw new UsageError(
    '--sparkle: expected SUPublicEDKey, 44 characters of base64 as generate_keys prints them, found something else.',
  )
}
