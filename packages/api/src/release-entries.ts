import { Type, type Static } from 'typebox'
import { Id, Nullable, OneOf, PageQuery, Sha256 } from './shared-schemas.ts'

/** One file that a release consists of: of an archive, as its directory tells it. */
export const ReleaseEntry = Type.Object({
  path: Type.String({ description: 'Of a binary, what it is for, as platform/architecture/format' }),
  name: Type.Optional(Type.String({ description: 'Of a binary: as people save it' })),
  sizeBytes: Type.Integer(),
  packedBytes: { ...Nullable(Type.Integer()), description: 'In the zip; null: it lies by itself' },
  sha256: { ...Nullable(Sha256), description: 'Null in a zip, which keeps a CRC-32 of each file' },
})
export type ReleaseEntry = Static<typeof ReleaseEntry>

export const ReleaseEntryQuery = Type.Object({
  search: Type.Optional(Type.String({ maxLength: 200, description: 'A part of the path, whatever its case' })),
  order: Type.Optional(OneOf(['path', 'size'], { default: 'path', description: 'size: the largest first' })),
  ...PageQuery.properties,
})
export type ReleaseEntryQuery = Static<typeof ReleaseEntryQuery>

const isReadable = Type.Boolean({
  description: 'False of what nobody but devices can look into, as it is encrypted, and of bytes that are lost',
})

export const ReleaseEntries = Type.Object({
  isReadable,
  total: Type.Object({ files: Type.Integer(), sizeBytes: Type.Integer({ description: 'Unpacked' }) }),
  matching: Type.Integer({ description: 'Files that are found by the search' }),
  items: Type.Array(ReleaseEntry),
  nextCursor: Nullable(Type.String()),
})
export type ReleaseEntries = Static<typeof ReleaseEntries>

export const EntryChange = OneOf(['added', 'removed', 'changed'])

export const ReleaseComparisonQuery = Type.Object({
  with: Type.Optional({
    ...Id,
    description: 'Another release of the app and of the same kind; that before it on its platform when absent',
  }),
  change: Type.Optional({ ...EntryChange, description: 'These only' }),
  ...PageQuery.properties,
})
export type ReleaseComparisonQuery = Static<typeof ReleaseComparisonQuery>

const Sides = Type.Object({ before: Type.Integer(), after: Type.Integer() })

/** What a release has otherwise than one before it. Files of a zip are compared by size and CRC-32, others by SHA-256. */
export const ReleaseComparison = Type.Object({
  before: {
    ...Nullable(Type.Object({ id: Id, version: Type.String() })),
    description: 'Null: it is the first of its kind on its platform',
  },
  isReadable: { ...isReadable, description: 'False when one of the two is encrypted, or its bytes are lost' },
  files: Type.Object({
    added: Type.Integer(),
    removed: Type.Integer(),
    changed: Type.Integer(),
    same: Type.Integer(),
  }),
  fileBytes: { ...Sides, description: 'Of all files, unpacked' },
  contentBytes: { ...Sides, description: 'Of what is downloaded as a whole' },
  requirement: Type.Array(
    Type.Object({ field: Type.String(), before: Nullable(Type.String()), after: Nullable(Type.String()) }),
    { description: 'What it needs otherwise of the native shell' },
  ),
  items: Type.Array(
    Type.Object({
      path: Type.String(),
      change: EntryChange,
      beforeBytes: Nullable(Type.Integer()),
      afterBytes: Nullable(Type.Integer()),
    }),
  ),
  nextCursor: Nullable(Type.String()),
})
export type ReleaseComparison = Static<typeof ReleaseComparison>

/** Smaller forms of the same bytes that the server has made, by what they are. Patches are listed by themselves. */
export const ReleaseForms = Type.Object({
  items: Type.Array(
    Type.Object({
      algorithm: Type.String({ description: 'Such as br, or hpdelta1-br of an archive that is packed as a whole' }),
      isPacked: Type.Boolean({ description: 'All files of an archive together, as a patch of nothing' }),
      files: Type.Integer(),
      sizeBytes: Type.Integer(),
      fullBytes: Type.Integer({ description: 'Of the same files without it' }),
    }),
  ),
})
export type ReleaseForms = Static<typeof ReleaseForms>
