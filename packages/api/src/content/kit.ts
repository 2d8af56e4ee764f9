import { KIT_COMPONENT_KINDS, KIT_FILE_FORMATS, KIT_SEVERITIES, MAX_KIT_MANIFEST_BYTES } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { OneOf, PlatformName, Sha256 } from '../shared-schemas.ts'

/** Kits §2: what one kind of machine takes of a component. */
export const KitComponentFile = Type.Object({
  platform: PlatformName,
  architecture: Type.String({ description: 'Such as "x86_64" or "arm64"; "any" runs on all' }),
  format: OneOf(KIT_FILE_FORMATS),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  downloadUrl: Type.String(),
})
export type KitComponentFile = Static<typeof KitComponentFile>

const Probe = Type.Object(
  {
    type: OneOf(['http', 'tcp', 'hook', 'service']),
    path: Type.Optional(Type.String()),
    status: Type.Optional(Type.Integer()),
    attempts: Type.Integer(),
    intervalMs: Type.Integer(),
    timeoutMs: Type.Integer(),
  },
  { description: 'How an installation finds out that it works' },
)

/** One part of a kit. */
export const KitContentComponent = Type.Object({
  id: Type.String({ description: 'Such as "gateway"' }),
  kind: OneOf(KIT_COMPONENT_KINDS),
  version: Type.String(),
  order: Type.Integer({ description: 'Components are applied from the lowest to the highest' }),
  supportsRollback: Type.Boolean(),
  isOptional: Type.Boolean({ description: 'Whether a kit that does not have it takes the release without it' }),
  probe: Type.Optional(Probe),
  migratesTo: Type.Optional(Type.String({ description: 'Of a migration: the level that it brings things to' })),
  repairs: Type.Optional(
    Type.Array(
      Type.Object({
        target: Type.String(),
        keys: Type.Array(Type.String(), { description: 'The settings that it sets' }),
      }),
      { description: 'Of a repair: which settings of which file' },
    ),
  ),
  files: Type.Array(KitComponentFile),
})
export type KitContentComponent = Static<typeof KitContentComponent>

/** Several components that are moved together, or not at all: what its publisher has signed of them (Kits §1). */
export const KitContent = Type.Object({
  kind: Type.Literal('kit'),
  sha256: { ...Sha256, description: 'Of kit.json, as which it was uploaded' },
  sizeBytes: Type.Integer({ description: 'Of kit.json' }),
  downloadUrl: Type.String({ description: 'Of kit.json; each file lies at /artifacts/{its SHA-256}' }),
  channel: Type.String({ description: 'That it was made for' }),
  severity: OneOf(KIT_SEVERITIES),
  minInstallerVersion: Type.Optional(Type.String()),
  expectedDowntimeSeconds: Type.Optional(Type.Integer()),
  allowsPartial: Type.Boolean({ description: 'Whether a kit that lacks components may take those that it has' }),
  probe: Type.Optional(Probe),
  components: Type.Array(KitContentComponent, { description: 'In the order in which they are applied' }),
})
export type KitContent = Static<typeof KitContent>

/** What is published: kit.json, which was uploaded, as was every file that it names. */
export const NewKitContent = Type.Object(
  {
    kind: Type.Literal('kit'),
    sha256: Sha256,
    sizeBytes: Type.Integer({ minimum: 1, maximum: MAX_KIT_MANIFEST_BYTES }),
  },
  { additionalProperties: false },
)
export type NewKitContent = Static<typeof NewKitContent>
