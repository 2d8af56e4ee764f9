import { createHash, sign } from 'node:crypto'
import { u32 } from './android-resources.ts'
import type { Signer } from './der.ts'

const CHUNK_BYTES = 1024 * 1024
const ECDSA_WITH_SHA256 = 0x0201
const SCHEME_V2 = 0x7109_871a
const END_RECORD_BYTES = 22

/** The APK Signature Scheme v2: over all of the zip, in a block in front of its directory. */
export function signApk(zip: Buffer, signer: Signer): Buffer {
  const endOffset = zip.length - END_RECORD_BYTES
  const directoryOffset = zip.readUInt32LE(endOffset + 16)
  const parts = [zip.subarray(0, directoryOffset), zip.subarray(directoryOffset, endOffset), zip.subarray(endOffset)]
  const block = signingBlock(new Map([[SCHEME_V2, signatureBlock(parts, signer)]]))
  const end = Buffer.from(zip.subarray(endOffset))
  end.writeUInt32LE(directoryOffset + block.length, 16)
  return Buffer.concat([zip.subarray(0, directoryOffset), block, zip.subarray(directoryOffset, endOffset), end])
}

function signatureBlock(parts: readonly Buffer[], signer: Signer): Buffer {
  const digest = prefixed(u32(ECDSA_WITH_SHA256), prefixed(digestOf(parts)))
  const signedData = Buffer.concat([prefixed(digest), prefixed(prefixed(signer.certificate)), prefixed()])
  const signature = prefixed(u32(ECDSA_WITH_SHA256), prefixed(sign('sha256', signedData, signer.privateKey)))
  const one = prefixed(prefixed(signedData), prefixed(signature), prefixed(signer.publicKey))
  return prefixed(one)
}

export function signingBlock(pairs: ReadonlyMap<number, Buffer>): Buffer {
  const written = [...pairs].map(([id, value]) => Buffer.concat([u64(4 + value.length), u32(id), value]))
  const content = Buffer.concat(written)
  const size = u64(content.length + 24)
  return Buffer.concat([size, content, size, Buffer.from('APK Sig Block 42')])
}

function digestOf(parts: readonly Buffer[]): Buffer {
  const digests: Buffer[] = []
  for (const part of parts) {
    for (let at = 0; at < part.length; at += CHUNK_BYTES) {
      const piece = part.subarray(at, at + CHUNK_BYTES)
      digests.push(hash(Buffer.from([0xa5]), u32(piece.length), piece))
    }
  }
  return hash(Buffer.from([0x5a]), u32(digests.length), ...digests)
}

function hash(...parts: readonly Buffer[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

export function prefixed(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([u32(content.length), content])
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
