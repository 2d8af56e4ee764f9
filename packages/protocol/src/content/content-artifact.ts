import { readArray, readInteger, readObject, readSha256, readString, UnexpectedJsonError } from '../json-reader.ts'

/** Bytes that a release consists of, whatever its kind. */
export interface ContentArtifact {
  /** What the bytes are to the release, such as "bundle.zip". */
  name: string
  /** Lower-case hex of the SHA-256 of exactly these bytes. */
  sha256: string
  sizeBytes: number
}

/** Signing §1: what does not fit is listed in an artifact whose digest is signed (Content §4). */
export const MAX_ARTIFACTS = 200

export function readArtifacts(value: unknown, pointer: string): ContentArtifact[] {
  const artifacts = readArray(value, pointer, MAX_ARTIFACTS).map((each, index) =>
    readArtifact(each, `${pointer}/${index}`),
  )
  const names = new Set<string>()
  for (const [index, { name }] of artifacts.entries()) {
    // Two readers must not take different bytes for the same thing.
    if (names.has(name)) throw new UnexpectedJsonError(`${pointer}/${index}/name`, 'a name of its own', name)
    names.add(name)
  }
  return artifacts
}

function readArtifact(value: unknown, pointer: string): ContentArtifact {
  const json = readObject(value, pointer)
  return {
    name: readString(json.name, `${pointer}/name`),
    sha256: readSha256(json.sha256, `${pointer}/sha256`),
    sizeBytes: readInteger(json.sizeBytes, `${pointer}/sizeBytes`, 0),
  }
}
