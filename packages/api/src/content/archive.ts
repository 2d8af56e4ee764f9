import { Type, type Static } from 'typebox'
import { Sha256 } from '../shared-schemas.ts'

/** Content §3.2: what its publisher says of what is inside. */
export const ArchiveEncryption = Type.Object({
  algorithm: Type.Literal('hotpatch-v1'),
  keyIds: Type.Array(Type.String(), { description: 'Of the keys that open it' }),
  plain: Type.Object({ sha256: Sha256, sizeBytes: Type.Integer() }, { description: 'The zip that is inside' }),
})

/** One zip. */
export const ArchiveContent = Type.Object({
  kind: Type.Literal('archive'),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  fileCount: Type.Integer(),
  tree: Type.Optional(Type.String({ description: 'Content §3.1: the SHA-256 of what it unpacks to' })),
  encryption: Type.Optional(ArchiveEncryption),
  downloadUrl: Type.String(),
})
export type ArchiveContent = Static<typeof ArchiveContent>

/** What has a content, where it is known to be a zip. */
export type OfArchive<Described> = Described & { content: ArchiveContent }

/** Of whoever publishes nothing else. @throws when it is something else */
export function requireArchive<Described extends { content: { kind: string } }>(
  described: Described,
): OfArchive<Described> {
  if (described.content.kind === 'archive') return described as OfArchive<Described>
  throw new Error(`Expected an archive, found a ${described.content.kind}.`)
}

/** One zip that is published: it comes along, or was uploaded before. */
export const NewArchiveContent = Type.Object(
  {
    kind: Type.Literal('archive'),
    sha256: Type.Optional(Sha256),
    sizeBytes: Type.Optional(Type.Integer({ minimum: 0 })),
    entry: Type.Optional(
      Type.String({
        pattern: '^[^/\\\\]{1,255}$',
        description: 'A file that must lie at the root of the zip; "index.html" for the platform web',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewArchiveContent = Static<typeof NewArchiveContent>
