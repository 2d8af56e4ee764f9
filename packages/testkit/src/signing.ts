import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import {
  digestSigningInput,
  writeReleaseStatement,
  type NewReleaseStatement,
  type Platform,
  statedArchive,
} from '@hotpatch/protocol'

export type TestSigningKey = ReturnType<typeof newSigningKey>

/** A publisher's key pair. */
export function newSigningKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return {
    /** The 32 raw bytes in base64. */
    publicKey: raw.toString('base64'),
    /** Base64. */
    sign: (message: Uint8Array) => sign(null, message, privateKey).toString('base64'),
  }
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What `hotpatch release` sends besides the archive; `changes` make it lie. */
export function signRelease(
  key: TestSigningKey,
  content: { appId: string; platform: Platform; version: string; sequence: number; bundle: Uint8Array },
  changes: Partial<NewReleaseStatement> = {},
) {
  const { bundle, ...named } = content
  const sha256 = sha256Of(bundle)
  const text = writeReleaseStatement({
    ...named,
    target: 'release',
    floor: 0,
    requirement: {},
    ...statedArchive({ sha256, sizeBytes: bundle.length }),
    createdAt: '2027-01-01T00:00:00.000Z',
    ...changes,
  })
  return {
    signature: key.sign(digestSigningInput(sha256)),
    ...signStatement(key, text),
    publicKey: key.publicKey,
  }
}

/** A roll-back to embedded, or any statement that is made by hand. */
export function signStatement(key: TestSigningKey, text: string) {
  const bytes = Buffer.from(text)
  return { statement: bytes.toString('base64'), statementSignature: key.sign(bytes) }
}
