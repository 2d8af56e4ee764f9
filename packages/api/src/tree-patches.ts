import { Type, type Static } from 'typebox'
import { Id, Nullable, OneOf, Sha256, Timestamp, PlatformName } from './shared-schemas.ts'

const Version = Type.String({ minLength: 1, maxLength: 64 })

/** That one is wanted from what one release contains to what another one does: Content §12. */
export const NewTreePatch = Type.Object(
  {
    platform: PlatformName,
    from: { ...Version, description: 'The version of the release that devices run' },
    to: { ...Version, description: 'The version of the release that they are sent' },
  },
  { additionalProperties: false },
)
export type NewTreePatch = Static<typeof NewTreePatch>

const Packed = Type.Object({
  format: Type.String({ description: 'hpdelta1-br or hpdelta1-deflate' }),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
})

export const TreePatch = Type.Object({
  id: Id,
  platform: Type.String(),
  from: Version,
  to: Version,
  fromReleaseId: Id,
  toReleaseId: Id,
  state: {
    ...OneOf(['waiting', 'made', 'not-smaller', 'too-large', 'lost', 'pruned']),
    description: 'Of what is neither waiting nor made, why there is none: it is not made again by itself',
  },
  fullSizeBytes: Type.Integer({ description: 'Of the whole bundle' }),
  sizeBytes: Nullable(Type.Integer({ description: 'Of the smallest of its packings' })),
  savedShare: Nullable(Type.Number({ description: 'Of the whole bundle, from 0 to 1' })),
  packed: Type.Array(Packed),
  createdAt: Timestamp,
  createdBy: Nullable(Type.String({ description: 'Who asked for it; null: the server, by itself' })),
  finishedAt: Nullable(Timestamp),
})
export type TreePatch = Static<typeof TreePatch>

export const TreePatches = Type.Object({ items: Type.Array(TreePatch) })
export type TreePatches = Static<typeof TreePatches>

export const TreePatchFilter = Type.Object({
  state: Type.Optional(TreePatch.properties.state),
})
export type TreePatchFilter = Static<typeof TreePatchFilter>
