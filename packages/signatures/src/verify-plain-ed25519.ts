import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'

/** Of the group: RFC 8032 §5.1. */
const ORDER = ed25519.Point.Fn.ORDER

/**
 * RFC 8032 §5.1.7, over bytes that are read once, a piece at a time: Node's own wants all of them in memory. What is
 * compared is the encoding of R, as Sparkle does: one signature of a message fits here and there, or neither.
 * @param publicKey the 32 raw bytes
 * @param signature 64 bytes
 */
export async function verifyPlainEd25519(
  publicKey: Uint8Array,
  bytes: AsyncIterable<Uint8Array>,
  signature: Uint8Array,
): Promise<boolean> {
  const R = signature.subarray(0, 32)
  const s = numberFrom(signature.subarray(32, 64))
  const A = readPoint(publicKey)
  // A key of small order signs everything; an s above the order would be a second spelling of one below.
  if (!A || A.isSmallOrder() || signature.length !== 64 || s >= ORDER) return false
  const hash = createHash('sha512').update(R).update(publicKey)
  for await (const chunk of bytes) hash.update(chunk)
  const k = numberFrom(hash.digest()) % ORDER
  const found = ed25519.Point.BASE.multiplyUnsafe(s).subtract(A.multiplyUnsafe(k))
  return Buffer.from(found.toBytes()).equals(Buffer.from(R))
}

function readPoint(bytes: Uint8Array) {
  try {
    return ed25519.Point.fromBytes(bytes)
  } catch {
    // Half of all numbers are no point.
    return undefined
  }
}

/** The last byte weighs most. */
function numberFrom(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}
