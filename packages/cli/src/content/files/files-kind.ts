import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  contentTypeOfFile,
  FILES_MANIFEST_NAME,
  MAX_LISTED_FILES,
  statedFiles,
  writeFilesManifest,
  type ManifestFile,
} from '@hotpatch/protocol'
import type { NewFilesContent, NewReleaseContent, ReleaseFinding } from '@hotpatch/api'
import { createProgress } from '../../output/progress.ts'
import { formatBytes, formatCount } from '../../output/text.ts'
import type { CliContext } from '../../process/context.ts'
import type { CollectedContent, ContentFile, ContentKind, ContentUpload } from '../content-kind.ts'
import { listBundleFiles } from '../folder/bundle-files.ts'
import { findUnpublishable } from '../folder/find-unpublishable.ts'
import { errorOf } from '../folder/finding.ts'
import { readUnchanged } from '../folder/read-unchanged.ts'
import { withoutSourceMaps } from '../folder/source-maps.ts'
import { collectExpoExport, isExpoExport, type CollectedExpoExport } from './expo-export.ts'

export interface CollectedFiles extends CollectedContent {
  /** The path of the file that is run first. */
  launch: string | undefined
  /** Where it is what `expo export` has written. */
  exported: CollectedExpoExport | undefined
}

const ANY_BYTES = 'application/octet-stream'

/** Files by path, each sent by itself, and only what the server has not yet; Content §4. */
export const filesKind: ContentKind<CollectedFiles, null> = {
  name: 'files',

  async recognise(input) {
    if (input.kind === 'folder') {
      if (input.as === 'files') return { isOfKind: true, as: 'files', because: 'somebody said so' }
      const isExport = input.as === undefined && (await isExpoExport(input.path))
      if (isExport) return { isOfKind: true, as: 'Expo export', because: 'its metadata.json is one of expo export' }
    }
    return {
      isOfKind: false,
      expected: 'a folder of files',
      found: input.kind === 'folder' ? 'one that may be a zip as well' : `a ${input.kind}`,
      advice: 'A folder is published as files with --kind files.',
    }
  },

  async collect(_context, input, { wish, directory }) {
    if (input.kind !== 'folder') throw new Error('Nobody recognised files.')
    const all = await listBundleFiles(input.path)
    const exported = (await isExpoExport(input.path))
      ? await collectExpoExport(all, { path: input.path, wish, directory })
      : undefined
    const { files: others, sourceMaps } = withoutSourceMaps(all)
    const files = exported?.files ?? (wish.withSourceMaps ? all : others)
    return {
      from: input.path,
      files,
      sourceMaps,
      launch: wish.entry ?? exported?.bundle,
      exported,
      isShareable: true,
    }
  },

  async check({ files, launch }, _wish) {
    const findings = await findUnpublishable(files)
    return { findings: [...findings, ...launchFindings(files, launch), ...amountFindings(files)], facts: null }
  },

  async pack(context, { files, launch }, { directory }) {
    const listed = await digestAll(context, files)
    const manifest = writeFilesManifest({
      ...(launch !== undefined && { launch }),
      files: listed.map(({ file }) => file),
    })
    const path = join(directory, FILES_MANIFEST_NAME)
    await writeFile(path, manifest, { mode: 0o600 })
    const bytes = Buffer.from(manifest)
    const own = { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.length }
    return {
      content: { kind: 'files', ...own },
      uploads: [
        ...listed.map(({ upload }) => upload),
        { kind: 'files' as const, path, ...own, contentType: ANY_BYTES },
      ],
    }
  },

  stated: ({ content }) => statedFiles(manifestOf(content)),
  isSame: (published, { content }) =>
    published.kind === 'files' && content.kind === 'files' && published.sha256 === content.sha256,

  told: ({ files }) => ({ fileCount: files.length, unpackedBytes: totalOf(files) }),

  describe({ from, files, sourceMaps, launch, exported }, _facts, { content }) {
    const { sha256 } = manifestOf(content)
    const as = exported ? `, an export of Expo for ${exported.platform}` : ''
    return {
      lines: {
        Files: `${formatCount(files.length, 'file')} of ${from}${as}, ${formatBytes(totalOf(files))}`,
        ...(launch !== undefined && { Launch: launch }),
        'SHA-256': `${sha256} of ${FILES_MANIFEST_NAME}`,
        ...sourceMapLines(files, sourceMaps),
      },
      json: {
        content: { ...manifestOf(content), fileCount: files.length, totalBytes: totalOf(files) },
        entry: launch === undefined ? undefined : { name: launch },
      },
    }
  },
}

interface DigestedFile {
  file: ManifestFile
  upload: ContentUpload
}

/** One after the other: the disk is what is waited for. */
async function digestAll(context: CliContext, files: readonly ContentFile[]): Promise<DigestedFile[]> {
  const progress = createProgress(context, 'Reading', totalOf(files))
  const digested: DigestedFile[] = []
  let readBytes = 0
  try {
    for (const file of files) {
      const hash = createHash('sha256')
      for await (const chunk of readUnchanged(file)) {
        context.signal.throwIfAborted()
        hash.update(chunk)
        progress.advanceTo((readBytes += chunk.length))
      }
      const { name: path, sizeBytes } = file
      const sha256 = hash.digest('hex')
      const contentType = contentTypeOfFile(path)
      digested.push({
        file: { path, sha256, sizeBytes, ...(contentType !== undefined && { contentType }) },
        upload: { kind: 'asset', path: file.path, sha256, sizeBytes, contentType: ANY_BYTES },
      })
    }
  } finally {
    progress.stop()
  }
  return digested
}

function manifestOf(content: NewReleaseContent): NewFilesContent {
  if (content.kind === 'files') return content
  throw new Error('Expected files.')
}

const totalOf = (files: readonly ContentFile[]) => files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** Content §4: what is run first is one of the files. */
function launchFindings(files: readonly ContentFile[], launch: string | undefined): ReleaseFinding[] {
  if (launch === undefined || files.some(({ name }) => name === launch)) return []
  const advice = 'Say which of the files is run first, or leave --entry out.'
  return [errorOf('entry', `${launch} in the folder`, 'no such file', advice)]
}

function amountFindings(files: readonly ContentFile[]): ReleaseFinding[] {
  if (files.length <= MAX_LISTED_FILES) return []
  const found = formatCount(files.length, 'file')
  return [
    errorOf('files', `at most ${MAX_LISTED_FILES} files`, found, 'Publish the folder as one zip: --kind archive.'),
  ]
}

function sourceMapLines(files: readonly ContentFile[], sourceMaps: readonly ContentFile[]): Record<string, string> {
  const [first] = sourceMaps
  if (!first) return {}
  const isPublished = files.some(({ name }) => name === first.name)
  const count = formatCount(sourceMaps.length, 'source map')
  return {
    'Source maps': isPublished ? `${count} published, too: whoever has it can read the sources` : `${count} left out`,
  }
}
