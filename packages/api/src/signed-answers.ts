import { Type, type Static } from 'typebox'

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

/** What a publisher has signed in advance, with the certificate of the key. */
export const NewSignedAnswers = Type.Object(
  {
    platform: Type.Union([Type.Literal('android'), Type.Literal('ios')]),
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

export const SignedAnswerSummary = Type.Object({
  says: Type.Union([Type.Literal('update'), Type.Literal('roll-back'), Type.Literal('nothing')]),
  releaseId: Type.Union([Type.String(), Type.Null()]),
  answeredAt: Type.String({ format: 'date-time', description: 'The time that it says of itself' }),
})
export type SignedAnswerSummary = Static<typeof SignedAnswerSummary>

export const StoredSignedAnswers = Type.Object({ items: Type.Array(SignedAnswerSummary) })
export type StoredSignedAnswers = Static<typeof StoredSignedAnswers>
