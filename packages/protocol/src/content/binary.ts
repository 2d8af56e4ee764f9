import { readArray, readObject, readOptional, readString, UnexpectedJsonError } from '../json-reader.ts'
import { readPlatform, type Platform } from '../platforms.ts'
import { MAX_ARTIFACTS, type ContentArtifact } from './content-artifact.ts'
import { expectAllNamed, readArtifactName, type ContentReader } from './content-reader.ts'

/** Content §5: whole binaries, by platform, architecture and format. */
export interface BinaryContent {
  kind: 'binary'
  files: readonly BinaryFile[]
}

/** At least one of `artifact` and `url`; with both, the signed bytes lie at the address. */
export interface BinaryFile {
  platform: Platform
  /** Such as "x86_64" or "arm64"; "any" runs on all. */
  architecture: string
  /** Such as "apk", "dmg", "msi" or "store". */
  format: string
  /** Of a delta: of which build it makes the new one. */
  deltaFrom?: string
  artifact?: string
  /** Elsewhere: such as a store's page. */
  url?: string
}

const WORD = /^[a-z0-9][a-z0-9._-]{0,31}$/
const BUILD = /^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$/
const HTTPS = /^https:\/\/[^\s"<>\\]{1,2000}$/

export const binaryReader: ContentReader<BinaryContent> = {
  read(json, artifacts) {
    const files = readArray(json.files, '/content/files', MAX_ARTIFACTS).map((each, index) =>
      readFile(each, `/content/files/${index}`, artifacts),
    )
    if (files.length === 0) throw new UnexpectedJsonError('/content/files', 'at least one file', json.files)
    expectAllNamed(
      artifacts,
      files.map(({ artifact }) => artifact),
    )
    expectOneFor(files)
    return { kind: 'binary', files }
  },
  write: ({ kind, files }) => ({
    kind,
    files: files.map(({ deltaFrom, artifact, url, ...file }) => writeFile({ ...file, deltaFrom, artifact, url })),
  }),
}

function readFile(value: unknown, pointer: string, artifacts: readonly ContentArtifact[]): BinaryFile {
  const json = readObject(value, pointer)
  const word = (name: string) =>
    readString(json[name], `${pointer}/${name}`, { pattern: WORD, expected: 'a short word in lower case' })
  const artifact = readOptional(json.artifact, (name) => readArtifactName(name, `${pointer}/artifact`, artifacts))
  const url = readOptional(json.url, (found) =>
    readString(found, `${pointer}/url`, { pattern: HTTPS, expected: 'an address that begins with https://' }),
  )
  const deltaFrom = readOptional(json.deltaFrom, (found) =>
    readString(found, `${pointer}/deltaFrom`, { pattern: BUILD, expected: 'a build, such as 41' }),
  )
  if (artifact === undefined && url === undefined) {
    throw new UnexpectedJsonError(`${pointer}/artifact`, 'the name of one of the artifacts, or a url beside', undefined)
  }
  return writeFile({
    platform: readPlatform(json.platform, `${pointer}/platform`),
    architecture: word('architecture'),
    format: word('format'),
    deltaFrom,
    artifact,
    url,
  })
}

/** Two readers must not take different files for the same machine. */
function expectOneFor(files: readonly BinaryFile[]): void {
  const seen = new Set<string>()
  for (const [index, { platform, architecture, format, deltaFrom = '' }] of files.entries()) {
    const key = `${platform} ${architecture} ${format} ${deltaFrom}`.trim()
    if (seen.has(key)) {
      throw new UnexpectedJsonError(`/content/files/${index}`, 'another platform, architecture or format', key)
    }
    seen.add(key)
  }
}

/** Leaves out what is not there: an absent field and an undefined one are the same text. */
function writeFile(file: { [Name in keyof BinaryFile]-?: BinaryFile[Name] | undefined }): BinaryFile {
  const { platform, architecture, format, deltaFrom, artifact, url } = file as BinaryFile
  return {
    platform,
    architecture,
    format,
    ...(deltaFrom !== undefined && { deltaFrom }),
    ...(artifact !== undefined && { artifact }),
    ...(url !== undefined && { url }),
  }
}

/** What a statement says of a file that devices install. */
export interface StatedBinaryFile extends ContentArtifact {
  platform: Platform
  architecture: string
  format: string
  deltaFrom?: string | undefined
  /** Where the bytes lie, if not on the server. */
  url?: string | undefined
}

/** What a statement says of a release that is these files: in the order of their names, whoever lists them. */
export function statedBinary(files: readonly StatedBinaryFile[]) {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const content: BinaryContent = {
    kind: 'binary',
    files: sorted.map(({ platform, architecture, format, deltaFrom, name, url }) =>
      writeFile({ platform, architecture, format, deltaFrom, artifact: name, url }),
    ),
  }
  return { content, artifacts: sorted.map(({ name, sha256, sizeBytes }) => ({ name, sha256, sizeBytes })) }
}
