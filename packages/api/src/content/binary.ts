import { MAX_ARTIFACTS } from '@hotpatch/protocol'
import { Type, type Static } from 'typebox'
import { Nullable, OneOf, PlatformName, Sha256 } from '../shared-schemas.ts'

export interface BinaryFormatFacts {
  contentType: string
  /** How the names of such files end, the usual one first. */
  endings: readonly [string, ...string[]]
}

/** Content §5.1: the files that whole apps are installed from. */
export const BINARY_FORMATS = {
  apk: { contentType: 'application/vnd.android.package-archive', endings: ['apk'] },
  aab: { contentType: 'application/octet-stream', endings: ['aab'] },
  ipa: { contentType: 'application/octet-stream', endings: ['ipa'] },
  dmg: { contentType: 'application/x-apple-diskimage', endings: ['dmg'] },
  zip: { contentType: 'application/zip', endings: ['zip'] },
  pkg: { contentType: 'application/vnd.apple.installer+xml', endings: ['pkg'] },
  exe: { contentType: 'application/vnd.microsoft.portable-executable', endings: ['exe'] },
  msi: { contentType: 'application/x-msi', endings: ['msi'] },
  msix: { contentType: 'application/msix', endings: ['msix', 'appx'] },
  appimage: { contentType: 'application/vnd.appimage', endings: ['AppImage'] },
  deb: { contentType: 'application/vnd.debian.binary-package', endings: ['deb'] },
  rpm: { contentType: 'application/x-rpm', endings: ['rpm'] },
  'tar.gz': { contentType: 'application/gzip', endings: ['tar.gz', 'tgz'] },
  delta: { contentType: 'application/octet-stream', endings: ['delta'] },
} as const satisfies Record<string, BinaryFormatFacts>

export type BinaryFormatName = keyof typeof BINARY_FORMATS

export const BINARY_FORMAT_NAMES = Object.keys(BINARY_FORMATS) as BinaryFormatName[]

export const BinaryFormat = OneOf(BINARY_FORMAT_NAMES, { description: 'What kind of file it is' })

/** By the name of a file, whatever the case of its ending; undefined when nothing whole is called that. */
export function formatOfName(name: string): BinaryFormatName | undefined {
  const lower = name.toLowerCase()
  return BINARY_FORMAT_NAMES.find((format) =>
    BINARY_FORMATS[format].endings.some((ending) => lower.endsWith(`.${ending.toLowerCase()}`)),
  )
}

/** False of what nobody installs from: a store makes something of it, or an updater out of the version that it has. */
export function isInstallable(format: BinaryFormatName): boolean {
  return format !== 'aab' && format !== 'delta'
}

export const MAX_FILE_NAME_LENGTH = 150

export const BinaryFileName = Type.String({
  minLength: 1,
  maxLength: MAX_FILE_NAME_LENGTH,
  description: 'Of the file as people save it, with its ending; no folder',
})

const Architecture = Type.String({
  pattern: '^[a-z0-9][a-z0-9._-]{0,31}$',
  description: 'Such as "arm64" or "x86_64"; "any" runs on all',
})

const DeltaFrom = Type.String({
  pattern: '^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$',
  description: 'Of a delta, and of nothing else: the build that it makes the new one of, as Sparkle compares builds',
})

const HttpsUrl = Type.String({ pattern: '^https://[^\\s"<>\\\\]{1,2000}$' })

/** One file of a release that is published: uploaded before, or to be found at `url`. */
export const NewBinaryFile = Type.Object(
  {
    name: BinaryFileName,
    platform: Type.Optional({
      ...PlatformName,
      description: 'That of the release when absent; has to be said where that is "any"',
    }),
    architecture: Architecture,
    format: BinaryFormat,
    deltaFrom: Type.Optional(DeltaFrom),
    sha256: Sha256,
    sizeBytes: Type.Integer({ minimum: 1 }),
    url: Type.Optional({ ...HttpsUrl, description: 'Where the bytes lie, if not on this server' }),
  },
  { additionalProperties: false },
)
export type NewBinaryFile = Static<typeof NewBinaryFile>

/** What an app says of itself in its own file. */
export const Application = Type.Object({
  id: Type.String({ description: 'Package name or bundle id' }),
  version: Type.String(),
  versionCode: Type.Optional(Type.Integer()),
  build: Type.Optional(Type.String({ description: "Of Apple's: tells two uploads of one version apart" })),
  name: Type.Optional(Type.String()),
  minOsVersion: Type.Optional(Type.String()),
  architectures: Type.Array(Type.String()),
  permissions: Type.Array(Type.String()),
  certificates: Type.Array(Sha256, {
    description: 'SHA-256 of the certificates: of who signed it, then of those whom that one replaced',
  }),
  teamId: Type.Optional(Type.String({ description: "Of Apple's: with the bundle id, what makes it the same app" })),
  isDebuggable: Type.Optional(Type.Boolean()),
  provisioning: Type.Optional(
    Type.Object({
      type: OneOf(['ad-hoc', 'enterprise', 'development', 'store']),
      expiresAt: Type.String(),
      devices: Type.Optional(Type.Integer()),
    }),
  ),
})
export type Application = Static<typeof Application>

/** What was read of a file that is not uploaded yet, as far as it is compared. */
export const ReadApplication = Type.Object(
  {
    file: { ...BinaryFileName, description: 'The name of one of the files' },
    id: Type.String({ maxLength: 300 }),
    version: Type.String({ maxLength: 300 }),
    versionCode: Type.Optional(Type.Integer()),
    build: Type.Optional(Type.String({ maxLength: 300 })),
    architectures: Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 }),
    certificates: Type.Array(Sha256, { maxItems: 32 }),
    teamId: Type.Optional(Type.String({ maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type ReadApplication = Static<typeof ReadApplication>

export const BinaryContentFile = Type.Object({
  name: BinaryFileName,
  platform: PlatformName,
  architecture: Architecture,
  format: BinaryFormat,
  deltaFrom: Type.Optional(DeltaFrom),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  contentType: Type.String(),
  downloadUrl: Type.String(),
  isInstallable: Type.Boolean({ description: 'False of what only a store or an updater can make something of' }),
  application: Type.Optional(Application),
})
export type BinaryContentFile = Static<typeof BinaryContentFile>

/** Whole binaries, by platform, architecture and format. */
export const BinaryContent = Type.Object({ kind: Type.Literal('binary'), files: Type.Array(BinaryContentFile) })

export const NewBinaryContent = Type.Object(
  {
    kind: Type.Literal('binary'),
    files: Type.Array(NewBinaryFile, { minItems: 1, maxItems: MAX_ARTIFACTS }),
    accept: Type.Optional(
      Type.Array(Type.String({ maxLength: 64 }), {
        maxItems: 20,
        description: 'What would be refused of these files, by its name, and is meant',
      }),
    ),
  },
  { additionalProperties: false },
)
export type NewBinaryContent = Static<typeof NewBinaryContent>

/** What the server has of a binary's file before its release. */
export const UploadedBinary = Type.Object({
  kind: Type.Literal('binary'),
  sha256: Sha256,
  sizeBytes: Type.Integer(),
  format: BinaryFormat,
  application: Nullable(Application),
  downloadUrl: Type.String(),
})
export type UploadedBinary = Static<typeof UploadedBinary>
