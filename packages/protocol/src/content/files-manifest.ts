import { filePathFault, findPathConflict } from '../file-paths.ts'
import {
  parseJson,
  readArray,
  readInteger,
  readObject,
  readOptional,
  readString,
  UnexpectedJsonError,
  readSha256,
} from '../json-reader.ts'

export const FILES_MANIFEST_TYPE = 'hotpatch.files.v1'

/** Content §4: a longer one is refused unread. */
export const MAX_FILES_MANIFEST_BYTES = 16 * 1024 * 1024
/** Content §4. */
export const MAX_LISTED_FILES = 20_000
/** RFC 6838 §4.2, without parameters but for a charset. */
const CONTENT_TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}(; ?charset=[a-z0-9-]{1,32})?$/

export interface ManifestFile {
  /** As `file-paths` allows it; never a folder. */
  path: string
  sha256: string
  sizeBytes: number
  /** Undefined: nothing in particular. */
  contentType?: string
}

/** Every file of a release of the kind `files`. */
export interface FilesManifest {
  /** The path of the file that is run first, where there is such a file. */
  launch?: string
  files: readonly ManifestFile[]
}

/** Content §4: the text whose digest the statement signs. */
export function writeFilesManifest({ launch, files }: FilesManifest): string {
  return JSON.stringify({
    type: FILES_MANIFEST_TYPE,
    ...(launch !== undefined && { launch }),
    files: files.map(({ path, sha256, sizeBytes, contentType }) => ({
      path,
      sha256,
      sizeBytes,
      ...(contentType !== undefined && { contentType }),
    })),
  })
}

/**
 * Content §4: reads a manifest, after its digest was held against the signed one.
 * @throws UnexpectedJsonError with the place of the first thing that is not as it must be
 */
export function readFilesManifest(text: string): FilesManifest {
  const json = readObject(parseJson(text), '')
  const type = readString(json.type, '/type')
  if (type !== FILES_MANIFEST_TYPE) throw new UnexpectedJsonError('/type', JSON.stringify(FILES_MANIFEST_TYPE), type)
  const files = readArray(json.files, '/files', MAX_LISTED_FILES).map(readFile)
  if (files.length === 0) throw new UnexpectedJsonError('/files', 'at least one file', json.files)
  const conflict = findPathConflict(files.map(({ path }) => path))
  if (conflict) throw new UnexpectedJsonError('/files', `paths that can be beside "${conflict.other}"`, conflict.path)
  const launch = readOptional(json.launch, (found) => readString(found, '/launch'))
  if (launch !== undefined && !files.some(({ path }) => path === launch)) {
    throw new UnexpectedJsonError('/launch', 'the path of one of the files', launch)
  }
  return { ...(launch !== undefined && { launch }), files }
}

function readFile(value: unknown, index: number): ManifestFile {
  const pointer = `/files/${index}`
  const json = readObject(value, pointer)
  const contentType = readOptional(json.contentType, (found) =>
    readString(found, `${pointer}/contentType`, { pattern: CONTENT_TYPE, expected: 'a type such as "text/html"' }),
  )
  return {
    path: readPath(json.path, `${pointer}/path`),
    sha256: readSha256(json.sha256, `${pointer}/sha256`),
    sizeBytes: readInteger(json.sizeBytes, `${pointer}/sizeBytes`, 0),
    ...(contentType !== undefined && { contentType }),
  }
}

function readPath(value: unknown, pointer: string): string {
  const path = readString(value, pointer)
  const isFolder = path.endsWith('/')
  if (isFolder || filePathFault(path)) throw new UnexpectedJsonError(pointer, 'the harmless path of a file', path)
  return path
}
