import { EDGE_OBSTACLES } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { Nullable, OneOf, Sha256, Timestamp } from './shared-schemas.ts'

const PublicKey = Type.String({ pattern: '^[A-Za-z0-9+/]{43}=$', description: 'Base64 of 32 raw bytes, Ed25519' })

/** Static edge §4: exact bytes that a publisher has signed. */
export const NewEdgeKeyDocument = Type.Object(
  {
    document: Type.String({ maxLength: 32_768, description: 'Base64 of the signed text, Static edge §4' }),
    signature: Type.String({ maxLength: 200, description: 'Base64, by a registered key of the app' }),
  },
  { additionalProperties: false },
)
export type NewEdgeKeyDocument = Static<typeof NewEdgeKeyDocument>

export const EdgeObstacle = Type.Object({
  rolloutId: Type.String(),
  reason: OneOf(EDGE_OBSTACLES),
})

export const EdgeOfApp = Type.Object({
  serverKeys: Type.Array(Type.Object({ publicKey: PublicKey, createdAt: Timestamp }), {
    description: 'By which this server can speak for the app, oldest first',
  }),
  keyDocument: Nullable(
    Type.Object({
      version: Type.Integer(),
      keys: Type.Array(Type.Object({ publicKey: PublicKey, notAfter: Timestamp })),
      createdAt: Timestamp,
      createdBy: Type.String(),
    }),
  ),
  catalogs: Type.Array(
    Type.Object({
      platform: Type.String(),
      channel: Type.String(),
      generation: Type.Integer(),
      sha256: Sha256,
      expiresAt: Timestamp,
      asksServer: Type.Array(EdgeObstacle, { description: 'Rollouts that devices must ask the server for, and why' }),
    }),
  ),
})
export type EdgeOfApp = Static<typeof EdgeOfApp>
