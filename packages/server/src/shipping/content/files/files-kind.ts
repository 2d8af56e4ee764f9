import { readFile } from 'node:fs/promises'
import type { NewFilesContent } from '@hotpatch/api'
import {
  MAX_FILES_MANIFEST_BYTES,
  problem,
  readFilesManifest,
  statedFiles,
  UnexpectedJsonError,
  type ExportTool,
  type FilesManifest,
} from '@hotpatch/protocol'
import { ANY_BYTES } from '../../artifacts/any-bytes.ts'
import { findExpoExport } from './expo-export.ts'
import type { ContentKind, Facts, ReceivedBytes, ReleaseFile } from '../content-kind.ts'
import { plainFile } from '../plain-file.ts'

/** Content §4: of the manifest, as which it is uploaded. */
export interface FilesFacts extends Facts {
  kind: 'files'
  /** The manifest itself. */
  list: ReceivedBytes
  fileCount: number
  totalBytes: number
  launch?: string
  /** Of an export of Expo's, the platform that it is for. */
  expo?: string
}

export interface OfferedFiles {
  kind: 'files'
  /** Of files.json. */
  sha256: string
  sizeBytes: number
  fileCount: number
  totalBytes: number
  /** The path of the file that is run first, where there is such a file. */
  launch?: string
  /** Whose export they are. */
  exportedBy?: ExportTool
}

export const FILES_CONTENT_TYPE = 'application/json'

/** Files by path: each is uploaded by itself, and then the manifest that lists them. */
export const filesKind: ContentKind<FilesFacts, NewFilesContent, OfferedFiles> = {
  name: 'files',
  maxBytes: ({ maxBytes }) => Math.min(maxBytes, MAX_FILES_MANIFEST_BYTES),
  wantsSha512: false,
  canBePacked: () => false,
  contentTypeOf: () => FILES_CONTENT_TYPE,

  async check({ path, sha256, sizeBytes }, limits, { owned, signal }) {
    signal?.throwIfAborted()
    if (!owned)
      throw problem('invalid-request', 'Expected files.json to be uploaded before, found one that came along.')
    const manifest = readManifest(await readFile(path, 'utf8'))
    const { files } = manifest
    const totalBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    requireAmount(files.length, limits.maxFiles, 'files')
    requireAmount(totalBytes, limits.maxUnpackedBytes, 'bytes in all files')
    await owned.requireAll(files)
    const exported = await findExpoExport(manifest, owned.readText)
    const launch = manifest.launch ?? exported?.bundle
    const facts = {
      kind: 'files' as const,
      list: { sha256, sizeBytes },
      fileCount: files.length,
      totalBytes,
      ...(launch !== undefined && { launch }),
      ...(exported && { expo: exported.platform }),
    }
    return { facts, files, ...(exported && { expoExport: JSON.stringify(exported) }) }
  },

  describeUpload: ({ sha256, sizeBytes, facts }, downloadUrl) => described({ sha256, sizeBytes }, facts, downloadUrl),

  told: ({ sha256, sizeBytes }) => [{ sha256, sizeBytes }],

  requireFit([manifest], { platform }) {
    const exportedFor = manifest?.facts.expo
    if (exportedFor === undefined || exportedFor === platform) return
    const detail = `metadata.json: expected an export for the platform of the release, ${platform}, found one for ${exportedFor}.`
    throw problem('content-unfit', detail)
  },

  launchSha256Of([manifest]) {
    const { facts, files } = manifest ?? {}
    return facts?.expo === undefined ? undefined : files?.find(({ path }) => path === facts.launch)?.sha256
  },

  amounts: ({ content, fileCount, unpackedBytes }, limits) => [
    {
      variable: 'HOTPATCH_MAX_BUNDLE_BYTES',
      found: content?.kind === 'files' ? content.sizeBytes : undefined,
      most: limits.maxBytes,
      unit: 'bytes',
    },
    { variable: 'HOTPATCH_MAX_UNPACKED_BYTES', found: unpackedBytes, most: limits.maxUnpackedBytes, unit: 'bytes' },
    { variable: 'HOTPATCH_MAX_BUNDLE_FILES', found: fileCount, most: limits.maxFiles, unit: 'files' },
  ],

  filesOf([manifest]) {
    if (!manifest) throw new Error('Files without their manifest.')
    return [
      ...statedFiles(manifest).artifacts.map(({ name, ...bytes }) =>
        plainFile({ path: name, ...bytes }, 'manifest', FILES_CONTENT_TYPE),
      ),
      ...(manifest.files ?? []).map((file) => plainFile(file, 'asset', file.contentType ?? ANY_BYTES)),
    ]
  },

  describe(files, factsOf, urlOf) {
    const manifest = manifestOf(files)
    return described(manifest, factsOf(manifest.sha256), urlOf(manifest.sha256))
  },
  stated: (files) => statedFiles(manifestOf(files)),
  offered(files, factsOf) {
    const manifest = manifestOf(files)
    const facts = factsOf(manifest.sha256)
    return { kind: 'files', ...manifest, ...amountsOf(facts), ...(facts?.expo !== undefined && { exportedBy: 'expo' }) }
  },
  digests: ({ sha256 }) => [sha256],
}

/** @throws problem invalid-request */
function readManifest(text: string): FilesManifest {
  try {
    return readFilesManifest(text)
  } catch (error) {
    if (!(error instanceof UnexpectedJsonError)) throw error
    throw problem('invalid-request', `files.json: ${error.message}`, {}, { cause: error })
  }
}

/** @throws problem body-too-large */
function requireAmount(found: number, most: number, unit: string): void {
  if (found > most) throw problem('body-too-large', `files.json: expected at most ${most} ${unit}, found ${found}.`)
}

function described(manifest: ReceivedBytes, facts: FilesFacts | undefined, downloadUrl: string) {
  return { kind: 'files' as const, ...manifest, ...amountsOf(facts), downloadUrl }
}

function amountsOf(facts: FilesFacts | undefined) {
  const { fileCount = 0, totalBytes = 0, launch } = facts ?? {}
  return { fileCount, totalBytes, ...(launch !== undefined && { launch }) }
}

function manifestOf(files: readonly ReleaseFile[]): ReceivedBytes {
  const manifest = files.find(({ role }) => role === 'manifest')
  if (!manifest || manifest.sha256 === null) throw new Error('Files without their manifest.')
  return { sha256: manifest.sha256, sizeBytes: manifest.size_bytes }
}
