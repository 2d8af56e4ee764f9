import { createHmac, hash } from 'node:crypto'
import { problem } from '@hotpatch/protocol'
import type { Connection, Schema } from '../../ground/database/schema.ts'
import { networkPrefix } from './network-prefix.ts'
import { findSecretFingerprint, keepSecretFingerprint } from './device-identity-store.ts'

/** How an app's devices are known: `hashed` by a keyed hash of the id that they tell, or by that id itself. */
export interface IdentifiedApp {
  id: string
  deviceIds: 'hashed' | 'as-given'
}

/** How its devices are known. */
export function identifiedApp(row: Pick<Schema['app'], 'id' | 'device_ids'>): IdentifiedApp {
  return { id: row.id, deviceIds: row.device_ids }
}

/** The start stops with it: every device would be taken for another one. */
export class DeviceSecretError extends Error {
  override name = 'DeviceSecretError'
}

const STORED_ID = /^h_[\w-]{22}$/
const STORED_BYTES = 16
const BLOCK_BYTES = 64
const DIGEST_BYTES = 32
/** Of the UTF-8 of an id that is not hashed by the long way: more than the 200 characters that an id may have. */
const MAX_SHORT_BYTES = 1_024

export type DeviceIdentity = ReturnType<typeof createDeviceIdentity>

/**
 * Turns the id that a device tells into the one that everything inside the server uses. Of a hashed app that is
 * `h_` and the first 16 bytes of HMAC-SHA-256 in base64url, under the app's own key: the same device has another id
 * in every app, and without the secret nobody can tell which id it was, nor try ids that they know.
 * @param secret of at least 32 characters, the same on every server of a database
 */
export function createDeviceIdentity({ secret }: { secret: string }) {
  const fingerprint = createHmac('sha256', secret).update('hotpatch device-id secret').digest('hex').slice(0, 32)
  const hashers = new Map<string, (rawId: string) => string>()
  let isSecretOfOthers = false

  /**
   * What the server knows the device by, from the id that it tells. Synchronous, for every check.
   * @throws problem unavailable when the database's hashed ids were made with another secret
   */
  function storedId(app: IdentifiedApp, rawId: string): string {
    if (app.deviceIds === 'as-given') return rawId
    if (isSecretOfOthers) throw problem('unavailable', "This server's device-id secret is not that of the others.")
    return hasherOf(app.id)(rawId)
  }

  function hasherOf(appId: string): (rawId: string) => string {
    const known = hashers.get(appId)
    if (known) return known
    const hasher = createIdHasher(createHmac('sha256', secret).update(appId).digest())
    hashers.set(appId, hasher)
    return hasher
  }

  /** False while `storedId` throws. */
  function isAbleFor(app: IdentifiedApp): boolean {
    return app.deviceIds === 'as-given' || !isSecretOfOthers
  }

  /**
   * A keyed hash of the network that an address is in: none of an address that is not of the Internet. Not the address
   * itself, as of ids; of all apps, also of those that take ids as given.
   */
  function networkOf({ id }: IdentifiedApp, address: string): string | null {
    const prefix = networkPrefix(address)
    return prefix === null ? null : hasherOf(id)(`network ${prefix}`)
  }

  /** For routes for people, who give either the id that the device tells or the one that the server shows. */
  function resolve(app: IdentifiedApp, given: string): string {
    return app.deviceIds === 'hashed' && STORED_ID.test(given) ? given : storedId(app, given)
  }

  /** Of an id that the server knows a device by, its hash: for what must outlive the device. */
  function hashedId({ id, deviceIds }: IdentifiedApp, knownId: string): string {
    return deviceIds === 'hashed' ? knownId : hasherOf(id)(knownId)
  }

  /**
   * In the transaction that makes an app hashed: from the first one on, the database belongs to this secret.
   * @throws problem device-secret-differs
   */
  async function claim(tx: Connection): Promise<void> {
    await keepSecretFingerprint(tx, fingerprint)
    if ((await findSecretFingerprint(tx)) === fingerprint) return
    throw problem(
      'device-secret-differs',
      "This server's device-id secret is not the one that the hashed ids of this database were made with.",
    )
  }

  /** With every load of the apps: another server may have claimed the database since the start. */
  async function compare(db: Connection): Promise<boolean> {
    const known = await findSecretFingerprint(db)
    isSecretOfOthers = known !== undefined && known !== fingerprint
    return !isSecretOfOthers
  }

  return { storedId, networkOf, isAbleFor, resolve, hashedId, claim, compare }
}

/** What may be the beginning of an id that the server shows. */
export function looksLikeStoredId(text: string): boolean {
  return /^h_[\w-]{0,22}$/.test(text)
}

/** @throws DeviceSecretError */
export async function requireSameDeviceSecret(db: Connection, identity: DeviceIdentity): Promise<void> {
  if (await identity.compare(db)) return
  throw new DeviceSecretError(
    'The hashed device ids in the database were made with another secret, and every device would be taken for a new ' +
      'one. Give this server the same HOTPATCH_DEVICE_ID_SECRET as before and as the other servers, or the file ' +
      'device-id-secret from the data folder where the first of them made it.',
  )
}

/**
 * HMAC-SHA-256 by its definition, from two hashes over buffers that have the key in place: a third of a microsecond
 * each, where a `Hmac` object costs ten to make.
 */
export function createIdHasher(key: Buffer): (rawId: string) => string {
  const inner = Buffer.alloc(BLOCK_BYTES + MAX_SHORT_BYTES)
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES)
  const digest = Buffer.alloc(STORED_BYTES)
  for (let index = 0; index < BLOCK_BYTES; index++) {
    inner[index] = (key[index] ?? 0) ^ 0x36
    outer[index] = (key[index] ?? 0) ^ 0x5c
  }

  return (rawId) => {
    // A character is at most three bytes, two that belong together are four.
    if (rawId.length * 3 > MAX_SHORT_BYTES) return `h_${hashLong(key, rawId)}`
    const sizeBytes = inner.write(rawId, BLOCK_BYTES, 'utf8')
    outer.write(hash('sha256', inner.subarray(0, BLOCK_BYTES + sizeBytes), 'binary'), BLOCK_BYTES, 'binary')
    digest.write(hash('sha256', outer, 'binary'), 'binary')
    return `h_${digest.toString('base64url')}`
  }
}

function hashLong(key: Buffer, rawId: string): string {
  return createHmac('sha256', key).update(rawId).digest().toString('base64url', 0, STORED_BYTES)
}
