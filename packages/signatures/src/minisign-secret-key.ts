import { createHash, createPrivateKey, createPublicKey, scrypt, sign, type KeyObject } from 'node:crypto'

/** Signing §10.1: the secret half of a key of minisign, opened. */
export interface MinisignSecretKey {
  /** As it stands in signatures: 16 hex digits. */
  keyId: string
  /** The line of the public half, as in a `.pub`. */
  publicKey: string
  /** Over the BLAKE2b-512 of the bytes ("ED"): the text of a `.minisig`. */
  sign(bytes: Uint8Array, comments: { untrusted: string; trusted: string }): string
}

export type OpenedMinisignKey =
  | { kind: 'opened'; key: MinisignSecretKey }
  /** It is encrypted, and nobody has given a password. */
  | { kind: 'needs-password' }
  | { kind: 'wrong-password' }
  /** What was expected of the file, and what was found; never a word of what is in it. */
  | { kind: 'unreadable'; fault: string }

const MAX_TEXT_LENGTH = 4_096
/** Two bytes each of algorithm, key derivation and checksum; salt; what the derivation costs; and what is encrypted. */
const FILE_BYTES = 158
const ALGORITHM = 'Ed'
const SCRYPT = 'Sc'
const NO_DERIVATION = '\0\0'
const SALT_AT = 6
const OPERATIONS_AT = 38
const MEMORY_AT = 46
const ENCRYPTED_AT = 54
/** The key's id, 32 bytes of seed, 32 of the public half, and a checksum. */
const ENCRYPTED_BYTES = 104
/** Minisign itself asks for one GiB: a file that asks for more is none of its own. */
const MAX_MEMORY_BYTES = 2 * 1024 ** 3
const MAX_OPERATIONS = 2 ** 28

const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** @param text of a `minisign.key`, with or without its comment; encrypted or not */
export async function openMinisignSecretKey(text: string, password: string | undefined): Promise<OpenedMinisignKey> {
  const bytes = readFile(text)
  if (!bytes) return unreadable('expected what minisign -G writes into a .key, found something else')
  const [algorithm, derivation] = [bytes.toString('latin1', 0, 2), bytes.toString('latin1', 2, 4)]
  if (algorithm !== ALGORITHM) return unreadable('expected a key for Ed25519 ("Ed"), found one for something else')
  const encrypted = bytes.subarray(ENCRYPTED_AT)
  if (derivation === NO_DERIVATION) {
    const key = keyOf(encrypted)
    return key ? { kind: 'opened', key } : unreadable('expected both halves of one key, found halves of two')
  }
  if (derivation !== SCRYPT) return unreadable('expected scrypt ("Sc") or no password, found something else')
  const cost = costOf(bytes.readBigUInt64LE(OPERATIONS_AT), bytes.readBigUInt64LE(MEMORY_AT))
  if (!cost) return unreadable('expected a derivation as minisign has it, found one that takes far more')
  if (password === undefined) return { kind: 'needs-password' }
  const stream = await derive(password, bytes.subarray(SALT_AT, OPERATIONS_AT), cost)
  const key = keyOf(Buffer.from(encrypted.map((byte, index) => byte ^ (stream[index] ?? 0))))
  return key ? { kind: 'opened', key } : { kind: 'wrong-password' }
}

function unreadable(fault: string): OpenedMinisignKey {
  return { kind: 'unreadable', fault }
}

function readFile(text: string): Buffer | undefined {
  if (text.length > MAX_TEXT_LENGTH) return undefined
  const lines = text.trim().replaceAll('\r\n', '\n').split('\n')
  const line = lines.find((each) => !each.startsWith('untrusted comment:'))
  const bytes = Buffer.from(line ?? '', 'base64')
  return bytes.length === FILE_BYTES && bytes.toString('base64') === line ? bytes : undefined
}

/** Undefined when the halves do not belong together, as after a wrong password: what the checksum is for, and surer. */
function keyOf(plain: Buffer): MinisignSecretKey | undefined {
  const [keyNumber, seed, publicHalf] = [plain.subarray(0, 8), plain.subarray(8, 40), plain.subarray(40, 72)]
  const der = Buffer.concat([PRIVATE_PREFIX, seed])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const publicDer = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  if (!publicDer.subarray(-32).equals(publicHalf)) return undefined
  return {
    keyId: keyNumber.toString('hex'),
    publicKey: Buffer.concat([Buffer.from(ALGORITHM), keyNumber, publicHalf]).toString('base64'),
    sign: (bytes, comments) => writeSignature(privateKey, keyNumber, bytes, comments),
  }
}

function writeSignature(
  key: KeyObject,
  keyNumber: Buffer,
  bytes: Uint8Array,
  { untrusted, trusted }: { untrusted: string; trusted: string },
): string {
  for (const comment of [untrusted, trusted]) {
    if (/[\r\n]/.test(comment)) throw new RangeError('A comment of minisign is one line.')
  }
  const signature = sign(null, createHash('blake2b512').update(bytes).digest(), key)
  const global = sign(null, Buffer.concat([signature, Buffer.from(trusted, 'utf8')]), key)
  return [
    `untrusted comment: ${untrusted}`,
    Buffer.concat([Buffer.from('ED'), keyNumber, signature]).toString('base64'),
    `trusted comment: ${trusted}`,
    global.toString('base64'),
    '',
  ].join('\n')
}

interface Cost {
  N: number
  r: number
  p: number
}

/** As libsodium makes parameters of scrypt out of operations and memory. Undefined: more than this takes. */
function costOf(operations: bigint, memory: bigint): Cost | undefined {
  if (operations > MAX_OPERATIONS || memory > MAX_MEMORY_BYTES) return undefined
  const [asked, bytes] = [Math.max(Number(operations), 32_768), Number(memory)]
  const r = 8
  if (asked < bytes / 32) return { N: powerAbove(asked / (r * 4)), r, p: 1 }
  const N = powerAbove(bytes / (r * 128))
  return { N, r, p: Math.max(1, Math.floor(Math.floor(asked / 4 / N) / r)) }
}

/** The lowest power of two from 2 on that is above the half of it. */
function powerAbove(most: number): number {
  let power = 2
  while (power <= Math.floor(most) / 2) power *= 2
  return power
}

function derive(password: string, salt: Uint8Array, { N, r, p }: Cost): Promise<Buffer> {
  const maxmem = 128 * N * r + 128 * r * p + 1024 ** 2
  return new Promise((resolve, reject) => {
    scrypt(password, salt, ENCRYPTED_BYTES, { N, r, p, maxmem }, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
