import { MAX_FILE_PATH_BYTES } from '@hotpatch/protocol'
import type { SpooledUpload, SpoolPart, UploadSpool } from '../artifacts/upload-spool.ts'
import { checkArchive } from './archive/archive-check.ts'
import type { UnpackedFile } from './archive/archive-contents.ts'
import type { ContentLimits } from './content-kind.ts'

export interface ReceivedFile {
  /** In the zip. */
  path: string
  upload: SpooledUpload
}

/**
 * Receives a zip that is no content of its own, only a way to send many files: as harmless as any, and unpacked.
 * @returns what is the caller's to discard, file by file
 * @throws problem invalid-archive, body-too-large, request-timeout
 */
export async function receiveFiles(
  stream: AsyncIterable<Uint8Array>,
  { spool, limits }: { spool: UploadSpool; limits: ContentLimits },
): Promise<ReceivedFile[]> {
  const parts: SpoolPart[] = []
  const files: ReceivedFile[] = []
  const zip = await spool.receive(stream, { maxBytes: limits.maxBytes })
  async function openFile(path: string): Promise<UnpackedFile> {
    const part = await spool.begin()
    parts.push(part)
    return { write: part.write, end: async () => void files.push({ path, upload: await part.finish() }) }
  }
  try {
    await checkArchive(zip.path, { ...limits, maxPathBytes: MAX_FILE_PATH_BYTES }, { openFile: () => openFile })
    return files
  } catch (error) {
    await Promise.all(parts.map((part) => part.discard()))
    throw error
  } finally {
    await zip.discard()
  }
}
