import { Type, type Static } from 'typebox'
import { Id, Sha256, Timestamp } from './shared-schemas.ts'

/** RSA-2048 over the digest of what is decrypted: 256 bytes in lower-case hex. */
const RsaChecksum = Type.String({ pattern: '^[0-9a-f]{512}$', description: '512 lower-case hex digits' })

const capgoV2 = {
  algorithm: Type.Literal('capgo-v2'),
  keyId: Type.String({
    pattern: '^[A-Za-z0-9+/=]{1,20}$',
    description: 'The first 20 characters of the base64 of the public key',
  }),
  sessionKey: Type.String({
    pattern: '^[A-Za-z0-9+/]{21}[AQgw]==:[A-Za-z0-9+/]{341}[AQgw]==$',
    description:
      'The 16 bytes of the IV and the 256 of the encrypted session key, each in base64, with a colon between',
  }),
  checksum: RsaChecksum,
}

/** A release encrypted by its publisher: the metadata of the upload. */
export const NewReleaseVariant = Type.Object({
  ...capgoV2,
  files: Type.Optional(
    Type.Array(Type.Object({ path: Type.String({ minLength: 1, maxLength: 515 }), checksum: RsaChecksum }), {
      minItems: 1,
      maxItems: 20_000,
      description: 'Of every file of the part "files"; a path that ends in .br was compressed before it was encrypted',
    }),
  ),
})
export type NewReleaseVariant = Static<typeof NewReleaseVariant>

export const ReleaseVariant = Type.Object({
  id: Id,
  releaseId: Id,
  ...capgoV2,
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  fileCount: Type.Integer({ description: 'Files that are encrypted each by itself; 0: none are' }),
  createdAt: Timestamp,
  createdBy: Type.String(),
})
export type ReleaseVariant = Static<typeof ReleaseVariant>

export const ReleaseVariants = Type.Object({ items: Type.Array(ReleaseVariant) })
export type ReleaseVariants = Static<typeof ReleaseVariants>
