import {
  BINARY_FORMATS,
  isInstallable,
  MAX_FILE_NAME_LENGTH,
  type AddedSignature,
  type Application,
  type BinaryFormatName,
  type NewBinaryContent,
  type NewBinaryFile,
} from '@hotpatch/api'
import { parseNativeVersion, problem, statedBinary, type Platform } from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import type { ContentBytes, ContentKind, Facts, ReceivedBytes, ReleaseFile } from '../content-kind.ts'
import { plainFile } from '../plain-file.ts'
import { requireElsewhere } from './elsewhere-address.ts'
import { requireFileNames } from './file-names.ts'
import { FAMILIES, isOf, OBJECTIONS, objectionsTo, readBinary } from '@hotpatch/binary-files'

/** Content §5.1. */
export interface BinaryFacts extends Facts {
  kind: 'binary'
  format: BinaryFormatName
  /** In base64, as the desktop updaters have it. */
  sha512: string
  application?: Application
  /** The picture that the file has of its app, for people: also one of `parts`. */
  icon?: ReceivedBytes
}

export interface OfferedBinary {
  kind: 'binary'
  files: readonly [OfferedBinaryFile, ...OfferedBinaryFile[]]
}

export interface OfferedBinaryFile {
  name: string
  platform: Platform
  architecture: string
  format: BinaryFormatName
  /** Of a delta: the build that it makes the new one of. */
  deltaFrom?: string
  sha256: string
  sizeBytes: number
  /** In base64; absent of what lies elsewhere. */
  sha512?: string
  /** Where the bytes lie, if not here. */
  url?: string
  /** Of its block map (Content §11), where that was made already; absent of one that has its own in itself. */
  blockMap?: { sha256: string; sizeBytes: number }
  /** How long the block map in it is; absent when it has none. */
  embeddedMapBytes?: number
  /** What else is signed of it (Signing §10); absent: nothing. */
  signatures?: readonly Pick<AddedSignature, 'scheme' | 'subject' | 'value'>[]
}

/** What Sparkle puts together from a delta: an app, and no package that installs one. */
const WHOLE_OF_DELTAS: readonly BinaryFormatName[] = ['dmg', 'zip']

/** Whole apps: files by platform, architecture and format, each uploaded by itself, or elsewhere. */
export const binaryKind: ContentKind<BinaryFacts, NewBinaryContent, OfferedBinary> = {
  name: 'binary',
  maxBytes: ({ maxBinaryBytes }) => maxBinaryBytes,
  wantsSha512: true,
  canBePacked: () => false,
  contentTypeOf: ({ format }) => BINARY_FORMATS[format].contentType,

  async check({ path, name, sha512 }, _limits, { signal, begin }) {
    signal?.throwIfAborted()
    if (name === undefined || sha512 === undefined) {
      throw problem('invalid-request', `name: expected the file's own, such as app.apk, found none.`)
    }
    requireFileNames([name.slice(0, MAX_FILE_NAME_LENGTH + 1)])
    const { format, application, icon: picture } = await readBinary(path, name)
    const facts = { kind: 'binary' as const, sha512, format, ...(application && { application }) }
    if (!picture) return { facts }
    const part = await begin()
    await part.write(picture)
    const spooled = await part.finish()
    const icon = { sha256: spooled.sha256, sizeBytes: spooled.sizeBytes }
    return { facts: { ...facts, icon, parts: [icon] }, unpacked: [{ ...spooled, awaitsCompression: false }] }
  },

  describeUpload: ({ sha256, sizeBytes, facts: { format, application = null } }, downloadUrl) => ({
    kind: 'binary',
    sha256,
    sizeBytes,
    format,
    application,
    downloadUrl,
  }),

  told: ({ files }) =>
    files.filter(({ url }) => url === undefined).map(({ sha256, sizeBytes }) => ({ sha256, sizeBytes })),

  requireFit(uploads, { platform, version, versionCode, content: { files } }) {
    if (!parseNativeVersion(version)) {
      const expected = 'a version of numbers and dots, such as 1.2.0+45 or 1.2.0-beta.1, as devices compare it'
      throw problem('invalid-request', `version: expected ${expected}, found "${version}".`)
    }
    requireFileNames(files.map(({ name }) => name))
    for (const { name, url } of files) if (url !== undefined) requireElsewhere(`${name}: url`, url)
    requireOneForEach(files, platform)
    requireDeltas(files, platform, versionCode ?? parseNativeVersion(version)?.build)
    const bySha256 = new Map(uploads.map((upload) => [upload.sha256, upload.facts]))
    for (const { name, format, sha256, url } of files) {
      const found = url === undefined ? bySha256.get(sha256)?.format : format
      if (found !== format) throw problem('content-unfit', `${name}: expected ${format}, found ${found}.`, { name })
    }
  },

  objections: (uploads, { version, content: { files } }, before) =>
    objectionsTo(
      files.flatMap(({ url, sha256, name, architecture }) => {
        const facts = url === undefined ? uploads.find((upload) => upload.sha256 === sha256)?.facts : undefined
        return facts?.application ? [{ name, architecture, format: facts.format, application: facts.application }] : []
      }),
      version,
      before,
    ),
  claimed: ({ files }, applications) =>
    applications.flatMap(({ file, ...read }) => {
      const told = files.find(({ name, url }) => name === file && url === undefined)
      if (!told) return []
      const { sha256, sizeBytes, format } = told
      const application = { ...read, permissions: [] }
      return [{ sha256, sizeBytes, facts: { kind: 'binary' as const, format, sha512: '', application } }]
    }),
  objectionNames: OBJECTIONS,
  comparedFormats: ({ content: { files } }) =>
    FAMILIES.filter((family) => files.some(({ format }) => isOf(family, format))),

  amounts: ({ content }, { maxBinaryBytes }) =>
    content?.kind === 'binary'
      ? content.files
          .filter(({ url }) => url === undefined)
          .map(({ sizeBytes }) => {
            return { variable: 'HOTPATCH_MAX_BINARY_BYTES', found: sizeBytes, most: maxBinaryBytes, unit: 'bytes' }
          })
      : [],

  filesOf(uploads, { platform, content }) {
    const bySha256 = new Map(uploads.map((upload) => [upload.sha256, upload]))
    return content.files.flatMap((file) => {
      const upload = file.url === undefined ? bySha256.get(file.sha256) : undefined
      const icon = upload?.facts?.icon
      return [
        releaseFile(file, platform, upload),
        ...(icon ? [plainFile({ path: file.name, ...icon }, 'icon', ANY_BYTES)] : []),
      ]
    })
  },

  versionCodeOf: (uploads) =>
    uploads.find(({ facts }) => facts.application?.versionCode !== undefined)?.facts.application?.versionCode,

  describe: (files, factsOf, urlOf) => ({
    kind: 'binary',
    files: binariesOf(files).map((file) => {
      const { sha512: _, url, ...described } = offeredFile(file)
      const application = url === undefined ? factsOf(described.sha256)?.application : undefined
      return {
        ...described,
        contentType: file.content_type,
        downloadUrl: url ?? urlOf(described.sha256),
        isInstallable: isInstallable(described.format),
        ...(application && { application }),
      }
    }),
  }),

  stated: (files) => statedBinary(binariesOf(files).map(offeredFile)),

  offered(files) {
    const [first, ...others] = binariesOf(files).map(offeredFile)
    if (!first) throw new Error('A binary without a file.')
    return { kind: 'binary', files: [first, ...others] }
  },

  digests: ({ files: [first, ...others] }) => [first.sha256, ...others.map(({ sha256 }) => sha256)],
}

/** Two files for the same machine: nobody could say which one it gets. */
function requireOneForEach(files: readonly NewBinaryFile[], ofRelease: Platform): void {
  const seen = new Map<string, string>()
  for (const { name, platform = ofRelease, architecture, format, deltaFrom } of files) {
    if (ofRelease !== 'any' && platform !== ofRelease) {
      throw problem('invalid-request', `${name}: expected a file for ${ofRelease}, as its release, found ${platform}.`)
    }
    const machine = [platform, architecture, format, ...(deltaFrom === undefined ? [] : [`from ${deltaFrom}`])].join(
      ', ',
    )
    const other = seen.get(machine)
    if (other !== undefined) {
      throw problem('invalid-request', `${name}: expected one file for ${machine}, found ${other}, too.`)
    }
    seen.set(machine, name)
  }
}

/** Content §5.6: of an older build of the same app, beside the whole of the new one. */
function requireDeltas(files: readonly NewBinaryFile[], ofRelease: Platform, own: number | undefined): void {
  const platformOf = ({ platform = ofRelease }: NewBinaryFile) => platform
  for (const file of files) {
    const { name, format, deltaFrom, architecture } = file
    const refused = (expected: string, found: string) =>
      problem('invalid-request', `${name}: expected ${expected}, found ${found}.`)
    if (format !== 'delta') {
      if (deltaFrom !== undefined) throw refused('deltaFrom of a delta alone', `it of a file of the format ${format}`)
      continue
    }
    if (deltaFrom === undefined) throw refused('deltaFrom, the build that it makes the new one of', 'none')
    if (platformOf(file) !== 'macos')
      throw refused('a delta for macos, where Sparkle is', `one for ${platformOf(file)}`)
    const isWhole = (other: NewBinaryFile) =>
      WHOLE_OF_DELTAS.includes(other.format) && platformOf(other) === 'macos' && other.architecture === architecture
    if (!files.some(isWhole)) {
      throw refused(`the whole app beside it, as ${WHOLE_OF_DELTAS.join(' or ')} for ${architecture}`, 'none')
    }
    if (own !== undefined && /^\d+$/.test(deltaFrom) && Number(deltaFrom) >= own) {
      throw refused(`a delta from a build below ${own}, that of the release`, `one from ${deltaFrom}`)
    }
  }
}

function releaseFile(
  { name, platform, architecture, format, deltaFrom, sha256, sizeBytes, url }: NewBinaryFile,
  ofRelease: Platform,
  upload: ContentBytes<BinaryFacts> | undefined,
): ReleaseFile {
  const isHere = url === undefined
  return {
    path: name,
    role: 'binary',
    sha256: isHere ? sha256 : null,
    size_bytes: sizeBytes,
    content_type: BINARY_FORMATS[format].contentType,
    platform: platform ?? ofRelease,
    architecture,
    format,
    component: null,
    url: url ?? null,
    delta_from: deltaFrom ?? null,
    told_sha256: isHere ? null : sha256,
    sha512: upload?.facts?.sha512 ?? null,
    package_hash: null,
  }
}

function binariesOf(files: readonly ReleaseFile[]): readonly ReleaseFile[] {
  return files.filter(({ role }) => role === 'binary').toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function offeredFile(file: ReleaseFile): OfferedBinaryFile {
  const { path: name, platform, architecture, format, sha256, told_sha256, size_bytes: sizeBytes } = file
  const { sha512, url, delta_from: deltaFrom } = file
  const offered: OfferedBinaryFile = {
    name,
    platform: platform ?? 'any',
    architecture: architecture ?? 'any',
    format: format as BinaryFormatName,
    sha256: sha256 ?? told_sha256 ?? '',
    sizeBytes,
  }
  if (deltaFrom !== null) offered.deltaFrom = deltaFrom
  if (sha512 !== null) offered.sha512 = sha512
  if (url !== null) offered.url = url
  return offered
}
