import { formatOfName, type NewBinaryFile, type NewRelease } from '@hotpatch/api'
import { parseBinaryVersion, problem, readChecksum } from '@hotpatch/protocol'
import { createValidator } from '../../ground/http/validate.ts'
import { requireElsewhere } from '../../shipping/content/binary/elsewhere-address.ts'
import { NewVersion } from './version-shapes.ts'

const validate = createValidator(NewVersion, 'body')

/** What is known of a file that came along. */
export interface CameAlong {
  name: string
  sha256: string
  sizeBytes: number
}

/** App versions §12. @throws problem invalid-request, hash-mismatch or size-mismatch */
export function readNewVersion(fields: unknown): NewVersion {
  const read = validate(fields)
  requireVersion('version', read.version)
  if (read.min_supported_version) requireVersion('min_supported_version', read.min_supported_version)
  return read
}

/** Of a form, where every field is a text. */
export function fieldsOfForm(texts: ReadonlyMap<string, string>): Record<string, unknown> {
  return Object.fromEntries([...texts].map(([name, text]) => [name, readText(name, text)]))
}

const NUMBERS = new Set(['version_code', 'file_size', 'rollout_percentage'])
const LISTS = new Set(['cohorts', 'rules', 'accept'])

function readText(name: string, text: string): unknown {
  if (NUMBERS.has(name)) return text === '' ? undefined : /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
  if (name === 'is_mandatory') return text === 'true' || (text === 'false' ? false : text)
  // Forms end lines as the web does.
  if (!LISTS.has(name)) return text.replaceAll('\r\n', '\n')
  try {
    return JSON.parse(text)
  } catch {
    // Names with commas between them.
    return text.split(',').filter((each) => each !== '')
  }
}

/** The same as a release of ours, and where it is placed. @throws problem invalid-request, hash-mismatch or size-mismatch */
export function toNewRelease(fields: NewVersion, cameAlong: CameAlong | undefined): NewRelease {
  const file = cameAlong ? fileAlong(fields, cameAlong) : fileElsewhere(fields)
  const { version_code: versionCode, publish_at: startsAt, min_supported_version: mandatoryBelow } = fields
  return {
    platform: fields.platform,
    version: fields.version,
    content: { kind: 'binary', files: [file], ...(fields.accept && { accept: fields.accept }) },
    notes: fields.release_notes ?? '',
    mandatory: fields.is_mandatory ?? false,
    ...(fields.channel !== undefined && { channel: fields.channel }),
    ...(typeof versionCode === 'number' && { versionCode }),
    ...(mandatoryBelow && { mandatoryBelow }),
    ...(startsAt && { startsAt }),
    ...(fields.rollout_percentage !== undefined && { percentage: fields.rollout_percentage }),
    ...(fields.min_os_version !== undefined && { minOsVersion: fields.min_os_version }),
    ...(fields.cohorts && { cohorts: fields.cohorts }),
    ...(fields.rules && { rules: fields.rules }),
  }
}

/** What was typed beside a file that came along is held against it. */
function fileAlong(fields: NewVersion, { name: sentAs, sha256, sizeBytes }: CameAlong): NewBinaryFile {
  if (fields.download_url) {
    throw problem('invalid-request', 'Expected either a file or download_url, found both.')
  }
  if (fields.checksum && requireChecksum(fields.checksum) !== sha256) {
    throw problem('hash-mismatch', `checksum: expected that of the file, ${sha256}, found ${fields.checksum}.`)
  }
  if (typeof fields.file_size === 'number' && fields.file_size !== sizeBytes) {
    throw problem('size-mismatch', `file_size: expected that of the file, ${sizeBytes}, found ${fields.file_size}.`)
  }
  return { ...partsOf(fields, fields.file_name || sentAs), sha256, sizeBytes }
}

function fileElsewhere(fields: NewVersion): NewBinaryFile {
  const { download_url: url, checksum, file_size: sizeBytes } = fields
  if (!url) throw problem('invalid-request', 'Expected a part "file" with the file, or download_url; found neither.')
  requireElsewhere('download_url', url)
  if (!checksum || typeof sizeBytes !== 'number') {
    const found = checksum ? 'no file_size' : 'no checksum'
    throw problem(
      'invalid-request',
      `Expected checksum (SHA-256) and file_size of what lies elsewhere, found ${found}.`,
    )
  }
  return { ...partsOf(fields, fields.file_name || lastWordOf(url)), sha256: requireChecksum(checksum), sizeBytes, url }
}

function partsOf(fields: NewVersion, name: string) {
  const format = fields.format ?? formatOfName(name)
  if (!format) {
    const expected = 'a name that ends as its kind of file does, such as .apk, or format'
    throw problem('invalid-request', `file_name: expected ${expected}, found ${JSON.stringify(name)}.`)
  }
  return { name, format, architecture: fields.architecture ?? 'any' }
}

function lastWordOf(url: string): string {
  const { pathname } = new URL(url)
  const word = pathname.slice(pathname.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(word)
  } catch {
    // A percent sign that stands for itself.
    return word
  }
}

function requireChecksum(text: string): string {
  const sha256 = readChecksum(text)
  if (sha256 !== undefined) return sha256
  throw problem('invalid-request', `checksum: expected a SHA-256 of 64 hex digits, found ${JSON.stringify(text)}.`)
}

function requireVersion(name: string, version: string): void {
  if (parseBinaryVersion(version)) return
  throw problem('invalid-request', `${name}: expected MAJOR.MINOR.PATCH+BUILD, such as 1.0.0+1, found "${version}".`)
}
