/** Engine §4: what decides whether a device takes a statement. */
export interface DeviceTrust {
  /** The highest sequence that proved itself on the device: it refuses a lower one. */
  highWater: number
  /** It refuses every sequence below, and embedded without a statement. 0 is none. */
  floor: number
  /** Of the keys that its binary holds (Signing §9). Without any it looks at no statement. */
  keyIds: readonly string[]
  /** What lies verified in ota/previous: it may go back to that, although its sequence is below the high-water mark. */
  heldReleaseId: string | null
  /**
   * When its binary was built, in milliseconds since 1970: what was signed before, and requires nothing of a binary,
   * was not made for this one. Absent, or null: it does not tell, or does not believe it.
   */
  builtAt?: number | null | undefined
}

/**
 * Signing §6: how far above its high-water mark a device lets a sequence be. A publisher who is made to sign the
 * highest possible sequence once could send no later release to the devices that took it.
 */
export const MAX_SEQUENCE_STEP = 1_000_000

/** More keys than any binary holds. */
export const MAX_TRUSTED_KEYS = 20

/** Signing §9: 16 hex digits, which 8 bytes are. */
const KEY_ID_BYTES = 8
const KEY_ID = /^[0-9a-f]{16}$/

export function isKeyId(text: string): boolean {
  return KEY_ID.test(text)
}

/**
 * Signing §9.
 * @param sha256 lower-case hex of the SHA-256 of the raw public key
 */
export function keyIdOf(sha256: string): string {
  return sha256.slice(0, KEY_ID_BYTES * 2)
}
