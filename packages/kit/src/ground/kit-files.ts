import { textFromUtf8, UnexpectedJsonError, utf8FromText } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { folderOf, makeDurableDirectory, writeAtomically } from './durable-files.ts'
import { KitError } from './kit-error.ts'
import { KIT_FOLDER } from './kit-layout.ts'

/** Kits §8.1: what the coordinator remembers. */
export const TRUST_FILE = `${KIT_FOLDER}/trust.json`
export const INSTALL_FILE = `${KIT_FOLDER}/install.json`
export const OUTBOX_FILE = `${KIT_FOLDER}/outbox.json`
export const FAILURES_FILE = `${KIT_FOLDER}/failures.json`
export const RELEASES_FILE = `${KIT_FOLDER}/releases.json`
/** Of the applications of a kit, and of the tool. */
export const CHECKS_FILE = `${KIT_FOLDER}/checks.json`
export const LOGS_FOLDER = 'logs'

/** None of the coordinator's own files is as long as that. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/**
 * Undefined when the file is absent. Writes are atomic, so a damaged one was damaged from outside, and what it says is
 * not made up anew.
 * @throws KitError storage-failed with what to do
 */
export async function readKitFile<T>(
  disk: Pick<FilesPort, 'read' | 'stat'>,
  path: string,
  read: (value: unknown) => T,
): Promise<T | undefined> {
  const found = await disk.stat(path)
  if (!found) return undefined
  try {
    if (found.kind !== 'file' || found.sizeBytes > MAX_FILE_BYTES) {
      throw new UnexpectedJsonError('', `a file of at most ${MAX_FILE_BYTES} bytes`, found.sizeBytes)
    }
    const text = textFromUtf8((await disk.read(path)) ?? new Uint8Array())
    if (text === undefined) throw new UnexpectedJsonError('', 'UTF-8', undefined)
    return read(parse(text))
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    const advice = 'Bring it back from a backup, or move it away to begin anew without what it knew.'
    throw new KitError('storage-failed', `${path} is damaged: ${cause.message}. ${advice}`, { cause })
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw Object.assign(new UnexpectedJsonError('', 'JSON', text), { cause })
  }
}

/** After a power cut at any moment the file is the old one or the new one. One writer of a path at a time. */
export async function writeKitFile(disk: FilesPort, path: string, content: unknown): Promise<void> {
  await makeDurableDirectory(disk, folderOf(path))
  await writeAtomically(disk, path, utf8FromText(`${JSON.stringify(content)}\n`))
}
