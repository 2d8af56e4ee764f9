import { ENCRYPTION_ALGORITHM } from '../encryption/encrypted-file.ts'
import { readOptional, readSha256, UnexpectedJsonError } from '../json-reader.ts'
import type { ContentArtifact } from './content-artifact.ts'
import { expectNamed, type ContentReader } from './content-reader.ts'

/** Content §3: one zip, which devices unpack. */
export interface ArchiveContent {
  kind: 'archive'
  /** Content §3.1: what it unpacks to. Devices that verify signatures take no patches of a release that does not say it. */
  tree?: string
  /** Content §3.2: nobody but devices with a key can have it. Absent: it is there as it is. */
  encryption?: typeof ENCRYPTION_ALGORITHM
}

export const ARCHIVE_NAME = 'bundle.zip'
/** Readers that know nothing of encryption refuse a statement with a second artifact. */
export const ENCRYPTED_ARCHIVE_NAME = 'bundle.zip.encrypted'

export const archiveReader: ContentReader<ArchiveContent> = {
  read(json, artifacts) {
    const encryption = readOptional(json.encryption, readAlgorithm)
    expectNamed(artifacts, encryption === undefined ? [ARCHIVE_NAME] : [ARCHIVE_NAME, ENCRYPTED_ARCHIVE_NAME])
    const tree = readOptional(json.tree, (found) => readSha256(found, '/content/tree'))
    if (encryption !== undefined && tree === undefined) {
      throw new UnexpectedJsonError('/content/tree', '64 lower-case hex digits, as it is encrypted', tree)
    }
    return { kind: 'archive', ...(tree !== undefined && { tree }), ...(encryption !== undefined && { encryption }) }
  },
  write: ({ kind, tree, encryption }) => ({
    kind,
    ...(tree !== undefined && { tree }),
    ...(encryption !== undefined && { encryption }),
  }),
}

function readAlgorithm(value: unknown): typeof ENCRYPTION_ALGORITHM {
  if (value === ENCRYPTION_ALGORITHM) return ENCRYPTION_ALGORITHM
  throw new UnexpectedJsonError('/content/encryption', `"${ENCRYPTION_ALGORITHM}"`, value)
}

/**
 * What a statement says of a release that is this zip.
 * @param encrypted of the encrypted file, where devices get that
 */
export function statedArchive({
  sha256,
  sizeBytes,
  tree,
  encrypted,
}: Omit<ContentArtifact, 'name'> & {
  tree?: string | undefined
  encrypted?: Omit<ContentArtifact, 'name'> | undefined
}) {
  const content: ArchiveContent = {
    kind: 'archive',
    ...(tree !== undefined && { tree }),
    ...(encrypted && { encryption: ENCRYPTION_ALGORITHM }),
  }
  const plain = { name: ARCHIVE_NAME, sha256, sizeBytes }
  return { content, artifacts: encrypted ? [plain, { name: ENCRYPTED_ARCHIVE_NAME, ...encrypted }] : [plain] }
}
