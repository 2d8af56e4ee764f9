import { Type, type Static } from 'typebox'
import { Nullable, OneOf, Sha256, Timestamp } from './shared-schemas.ts'

const UpdateId = Type.String({
  pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'A UUID in lower case: `id` of app.manifest in the binary',
})
const platform = OneOf(['android', 'ios'])
const bytes = {
  sha256: { ...Sha256, description: 'Of the bundle that the binary runs first' },
  sizeBytes: Type.Integer({ minimum: 1 }),
}

/** What a binary of Expo's shipped with: Expo §13. Its bundle was uploaded before, as one file. */
export const NewEmbeddedUpdate = Type.Object(
  {
    platform,
    id: UpdateId,
    builtAt: { ...Timestamp, description: '`commitTime` of app.manifest: for clients the time of this update' },
    runtimeVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    nativeVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    ...bytes,
  },
  { additionalProperties: false },
)
export type NewEmbeddedUpdate = Static<typeof NewEmbeddedUpdate>

export const EmbeddedUpdate = Type.Object({
  platform,
  id: UpdateId,
  builtAt: Timestamp,
  runtimeVersion: Nullable(Type.String()),
  nativeVersion: Nullable(Type.String()),
  ...bytes,
  createdAt: Timestamp,
  createdBy: Type.String(),
})
export type EmbeddedUpdate = Static<typeof EmbeddedUpdate>

export const EmbeddedUpdates = Type.Object({ items: Type.Array(EmbeddedUpdate) })
export type EmbeddedUpdates = Static<typeof EmbeddedUpdates>
