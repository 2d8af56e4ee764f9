import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { brotliCompressSync, constants } from 'node:zlib'
import type { CapgoKey } from './capgo-key.ts'

/** Of one bundle: everything of it is encrypted with one key of its own. */
export interface CapgoSession {
  keyId: string
  /** What the plugin gets as `session_key`: base64 of the vector, ":", base64 of the sealed key. */
  sessionKey: string
  encryptFile(from: string, to: string): Promise<EncryptedFile>
  encryptPart(path: string, bytes: Buffer): EncryptedPart | undefined
}

export interface EncryptedFile {
  /** Of the plain bytes, sealed: 512 hexadecimal digits. */
  checksum: string
  sizeBytes: number
}

/** One file of the web app, for devices that have most of the others. */
export interface EncryptedPart {
  /** Ends in `.br` when the bytes are compressed below the encryption. */
  name: string
  checksum: string
  bytes: Buffer
}

/** AES-128 in blocks of 16 bytes. */
const BLOCK_BYTES = 16
/** Below that compressing is not worth a second name. */
const MIN_COMPRESSED_BYTES = 8192
const MIN_SAVED_BYTES = 10

/** Capgo's encryption "v2": whoever has the app can decrypt it, and only the developer can have made it. */
export function createCapgoSession(key: CapgoKey): CapgoSession {
  const secret = randomBytes(BLOCK_BYTES)
  const vector = randomBytes(BLOCK_BYTES)
  const cipher = () => createCipheriv('aes-128-cbc', secret, vector)
  const seal = (digest: Buffer) => key.seal(digest).toString('hex')
  return {
    keyId: key.keyId,
    sessionKey: `${vector.toString('base64')}:${key.seal(secret).toString('base64')}`,
    async encryptFile(from, to) {
      const hash = createHash('sha256')
      let sizeBytes = 0
      const count = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          sizeBytes += chunk.length
          done(null, chunk)
        },
      })
      await pipeline(createReadStream(from), tee(hash), cipher(), count, createWriteStream(to))
      return { checksum: seal(hash.digest()), sizeBytes }
    },
    encryptPart(path, bytes) {
      // The plugin cannot decrypt nothing: such a file travels in the zip only.
      if (bytes.length === 0) return undefined
      const packed = bytes.length >= MIN_COMPRESSED_BYTES ? compress(bytes) : bytes
      const isPacked = packed.length + MIN_SAVED_BYTES < bytes.length
      const plain = isPacked ? packed : bytes
      const encrypting = cipher()
      return {
        name: isPacked ? `${path}.br` : path,
        checksum: seal(createHash('sha256').update(bytes).digest()),
        bytes: Buffer.concat([encrypting.update(plain), encrypting.final()]),
      }
    },
  }
}

function tee(hash: { update(chunk: Buffer): unknown }): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
}

function compress(bytes: Buffer): Buffer {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } })
}
