import { Type, type Static } from 'typebox'
import { Id, Nullable, Sha256, Timestamp } from './shared-schemas.ts'

const KeyId = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,64}$',
  description: 'As the clients are built to expect it, such as "main"',
})
const Base64 = Type.String({ pattern: '^[A-Za-z0-9+/]{4,2048}={0,2}$' })
const Pem = Type.String({ maxLength: 32_768 })

/** Exactly these bytes are what clients get: Expo §11. */
const NewAnswer = Type.Object(
  {
    body: Type.String({ maxLength: 8 * 1024 * 1024, description: 'A manifest or a directive, as text' }),
    signature: { ...Base64, description: 'RSASSA-PKCS1-v1_5 with SHA-256 over the UTF-8 bytes of the body, in base64' },
  },
  { additionalProperties: false },
)

/** The platforms of Expo's clients. */
const ExpoPlatform = Type.Union([Type.Literal('android'), Type.Literal('ios')])

/** What a publisher has signed in advance, with the certificate of the key. */
export const NewSignedAnswers = Type.Object(
  {
    platform: ExpoPlatform,
    keyId: KeyId,
    certificate: { ...Pem, description: 'PEM, of the key that has signed' },
    chain: Type.Optional({
      ...Pem,
      description: 'PEM, where clients hold an issuer of the certificate: the certificate first, and those between',
    }),
    answers: Type.Array(NewAnswer, { minItems: 1, maxItems: 100 }),
  },
  { additionalProperties: false },
)
export type NewSignedAnswers = Static<typeof NewSignedAnswers>

const summary = {
  id: Id,
  platform: Type.String(),
  keyId: KeyId,
  says: Type.Union([Type.Literal('update'), Type.Literal('roll-back')]),
  sha256: Nullable({ ...Sha256, description: 'Of an update: of the files.json that it is about' }),
  runtimeVersion: Nullable(Type.String()),
  answeredAt: { ...Timestamp, description: 'The time that it says of itself' },
}

export const SignedAnswerSummary = Type.Object(summary)
export type SignedAnswerSummary = Static<typeof SignedAnswerSummary>

export const StoredSignedAnswers = Type.Object({ items: Type.Array(SignedAnswerSummary) })
export type StoredSignedAnswers = Static<typeof StoredSignedAnswers>

export const SignedAnswer = Type.Object({ ...summary, body: Type.String(), signature: Type.String() })
export type SignedAnswer = Static<typeof SignedAnswer>

export const SignedAnswerFilter = Type.Object({
  platform: Type.Optional(ExpoPlatform),
  sha256: Type.Optional({ ...Sha256, description: 'Of the files.json that they are about' }),
})
export type SignedAnswerFilter = Static<typeof SignedAnswerFilter>
