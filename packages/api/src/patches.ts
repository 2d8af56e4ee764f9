import { Type, type Static } from 'typebox'
import { Id, Nullable, OneOf, Sha256, Timestamp, PlatformName } from './shared-schemas.ts'

const Version = Type.String({ minLength: 1, maxLength: 64 })

const Kind = {
  ...OneOf(['tree', 'bsdiff40', 'bsdiff43']),
  description:
    "Of all files, for HotPatch's own engine; of the bundle of an export, for Expo's client; of that of a build, for hot-updater's",
}

/** That one is wanted from what one release contains to what another one does: Content §12. */
export const NewPatch = Type.Object(
  {
    platform: PlatformName,
    from: Type.String({
      minLength: 1,
      maxLength: 80,
      description:
        'The version of the release that devices run; or, of what their binary shipped with, its id or its native version after `embedded:`',
    }),
    to: { ...Version, description: 'The version of the release that they are sent' },
    kind: Type.Optional({ ...Kind, description: 'The one for the clients that such releases are for when absent' }),
  },
  { additionalProperties: false },
)
export type NewPatch = Static<typeof NewPatch>

/** Encryption §4.1: between which releases one is that its publisher has encrypted. */
export const SentPatchQuery = Type.Object(
  { platform: PlatformName, from: NewPatch.properties.from, to: Version },
  { additionalProperties: false },
)
export type SentPatchQuery = Static<typeof SentPatchQuery>

const Packed = Type.Object({
  format: Type.String({ description: 'hpdelta1-br, hpdelta1-deflate, bsdiff40 or bsdiff43' }),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
})

export const Patch = Type.Object({
  id: Id,
  kind: Kind,
  platform: Type.String(),
  from: Type.String({
    description: 'A version; of what a binary shipped with, "embedded" and its native version, or its id',
  }),
  to: Version,
  fromReleaseId: Nullable(Id),
  fromEmbeddedId: Nullable(Type.String()),
  toReleaseId: Id,
  isEncrypted: Type.Boolean({
    description: 'It leads to an encrypted release: whoever publishes has made and sent it',
  }),
  state: {
    ...OneOf(['waiting', 'made', 'not-smaller', 'too-large', 'lost', 'pruned']),
    description: 'Of what is neither waiting nor made, why there is none: it is not made again by itself',
  },
  fullSizeBytes: Type.Integer({ description: 'Of the whole: of the zip, or of the bundle by itself' }),
  sizeBytes: Nullable(Type.Integer({ description: 'Of the smallest of its packings' })),
  savedShare: Nullable(Type.Number({ description: 'Of the whole, from 0 to 1' })),
  packed: Type.Array(Packed),
  createdAt: Timestamp,
  createdBy: Nullable(Type.String({ description: 'Who asked for it; null: the server, by itself' })),
  finishedAt: Nullable(Timestamp),
})
export type Patch = Static<typeof Patch>

/** What the app's releases have beside their own bytes. Several apps may share some. */
const Stored = Type.Object({
  patches: Type.Integer({ description: 'In all packings' }),
  patchBytes: Type.Integer(),
  packed: Type.Integer({ description: 'Releases that are packed as a whole' }),
  packedBytes: Type.Integer(),
})

export const Patches = Type.Object({ items: Type.Array(Patch), stored: Stored })
export type Patches = Static<typeof Patches>

export const PatchFilter = Type.Object({
  state: Type.Optional(Patch.properties.state),
  to: Type.Optional({ ...Id, description: 'The release that they lead to' }),
})
export type PatchFilter = Static<typeof PatchFilter>
