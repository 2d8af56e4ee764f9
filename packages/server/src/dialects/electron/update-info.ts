import { Type, type Static } from 'typebox'
import { stringify } from 'yaml'
import type { Body } from '../../ground/http/made-body.ts'
import { createCheck } from '../../ground/http/validate.ts'
import type { OfferedBinaryFile } from '../../shipping/content/binary/binary-kind.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { architectureNames } from '../reading/architectures.ts'
import { rememberAnswers } from '../writing/remember-answers.ts'
import { FORMATS, type ElectronPlatform } from './electron-takes.ts'
import { relativeUrl } from './release-files.ts'
import { systemVersion } from './system-version.ts'

const FileInfo = Type.Object(
  {
    url: Type.String({ pattern: '^(https://|files/)[^\\s?#]+' }),
    sha512: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9+/]{86}==$' })),
    sha2: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
    size: Type.Integer({ minimum: 1 }),
    blockMapSize: Type.Optional(Type.Integer({ minimum: 1 })),
  },
  { additionalProperties: false },
)

/** Electron §3. */
const UpdateInfo = Type.Object(
  {
    // As semver has it: anything else ends the check with an error.
    version: Type.String({ pattern: '^v?\\d+\\.\\d+\\.\\d+(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$' }),
    files: Type.Array(FileInfo, { minItems: 1 }),
    path: Type.String({ minLength: 1 }),
    sha512: Type.Optional(Type.String()),
    releaseDate: Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT' }),
    releaseNotes: Type.Optional(Type.String({ minLength: 1 })),
    minimumSystemVersion: Type.Optional(Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+$' })),
  },
  { additionalProperties: false },
)
type UpdateInfo = Static<typeof UpdateInfo>

const validator = createCheck(UpdateInfo)
const remember = rememberAnswers()

export interface UpdateInfoOf {
  channel: string
  platform: ElectronPlatform
  /** As Node calls it; undefined for those of all. */
  architecture: string | undefined
  /** When it was placed there, in milliseconds since 1970. */
  placedAt: number
}

/** A channel file. */
export function updateInfoBody(release: OfferedRelease, of: UpdateInfoOf): Body {
  const { channel, platform, architecture = '', placedAt } = of
  return remember(release, `${channel} ${platform} ${architecture} ${placedAt}`, () => write(updateInfo(release, of)))
}

export function updateInfo(release: OfferedRelease, of: UpdateInfoOf): UpdateInfo {
  const { version, notes, requirement } = release
  const { channel, platform, placedAt } = of
  const [first, ...others] = filesFor(release, of).map((file) => fileInfo(file, channel, version))
  if (!first) throw new Error(`The release ${release.id} has no file for ${platform}.`)
  const minimumSystemVersion = systemVersion(platform, requirement.minOsVersion)
  return {
    version,
    files: [first, ...others],
    // Of clients of before 2018.
    path: first.url,
    ...(first.sha512 !== undefined && { sha512: first.sha512 }),
    releaseDate: new Date(placedAt).toISOString(),
    ...(notes !== '' && { releaseNotes: notes }),
    ...(minimumSystemVersion !== undefined && { minimumSystemVersion }),
  }
}

/** The client takes the first that ends as it wants it, unless another one names its processor. */
function filesFor({ content }: OfferedRelease, { platform, architecture }: UpdateInfoOf): OfferedBinaryFile[] {
  if (content.kind !== 'binary') return []
  const names = architecture === undefined ? undefined : architectureNames(architecture)
  const formats: readonly string[] = FORMATS[platform]
  return content.files
    .filter((file) => file.platform === platform || file.platform === 'any')
    .filter(({ format }) => formats.includes(format))
    .filter((file) => !names || names.includes(file.architecture.toLowerCase()))
    .toSorted((a, b) => formats.indexOf(a.format) - formats.indexOf(b.format))
}

function fileInfo(file: OfferedBinaryFile, channel: string, version: string): UpdateInfo['files'][number] {
  const { url, sha256, sha512, sizeBytes, embeddedMapBytes } = file
  return {
    url: url ?? relativeUrl(channel, version, file),
    // What lies elsewhere was never read here.
    ...(sha512 === undefined ? { sha2: sha256 } : { sha512 }),
    size: sizeBytes,
    ...(embeddedMapBytes !== undefined && { blockMapSize: embeddedMapBytes }),
  }
}

/** @throws when it would not be as it must: what is malformed never leaves the server */
function write(info: UpdateInfo): string {
  if (!validator.Check(info)) {
    const first = validator.Errors(info)[0]
    throw new Error(`A channel file was stopped that is not as Electron §3 has it: ${JSON.stringify(first)}`)
  }
  // Texts in quotes: else a version such as 1.10 would be a number.
  return stringify(info, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })
}
