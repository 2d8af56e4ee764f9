import { Type, type Static } from 'typebox'
import { Nullable, OneOf, Sha256, Timestamp } from './shared-schemas.ts'

const ExpoId = Type.String({
  pattern: '^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'A UUID in lower case: `id` of app.manifest in the binary',
})
const UpdateId = Type.String({
  pattern: '^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64})$',
  description: 'As devices name it: of Expo’s a UUID; of an archive the digest of its tree, Content §3.1',
})
const platform = OneOf(['android', 'ios'])
const sizeBytes = Type.Integer({ minimum: 1 })
const ofBinary = {
  runtimeVersion: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  nativeVersion: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: 'Of the binary, such as 1.4.0+7' }),
  ),
}

const NewExpoUpdate = Type.Object(
  {
    kind: Type.Optional(Type.Literal('expo')),
    platform,
    id: ExpoId,
    builtAt: { ...Timestamp, description: '`commitTime` of app.manifest: for clients the time of this update' },
    ...ofBinary,
    sha256: { ...Sha256, description: 'Of the bundle that the binary runs first' },
    sizeBytes,
  },
  { additionalProperties: false },
)

/** Its id is what the server finds in it. */
const NewEmbeddedArchive = Type.Object(
  {
    kind: Type.Literal('archive'),
    platform,
    builtAt: Type.Optional(Timestamp),
    ...ofBinary,
    sha256: { ...Sha256, description: 'Of a zip of all files that the binary shipped with' },
    sizeBytes,
  },
  { additionalProperties: false },
)

/** What a binary shipped with, Expo §13 and Content §12.1. Its bytes were uploaded before. */
export const NewEmbeddedUpdate = Type.Union([NewExpoUpdate, NewEmbeddedArchive])
export type NewEmbeddedUpdate = Static<typeof NewEmbeddedUpdate>

export const EmbeddedUpdate = Type.Object({
  kind: OneOf(['expo', 'archive']),
  platform,
  id: UpdateId,
  builtAt: Nullable(Timestamp),
  runtimeVersion: Nullable(Type.String()),
  nativeVersions: Type.Array(Type.String(), { description: 'Of all binaries that are known to ship with it' }),
  sha256: Sha256,
  sizeBytes,
  createdAt: Timestamp,
  createdBy: Type.String(),
})
export type EmbeddedUpdate = Static<typeof EmbeddedUpdate>

export const EmbeddedUpdates = Type.Object({ items: Type.Array(EmbeddedUpdate) })
export type EmbeddedUpdates = Static<typeof EmbeddedUpdates>
