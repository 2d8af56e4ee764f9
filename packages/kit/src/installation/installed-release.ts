import {
  MAX_KIT_MANIFEST_BYTES,
  readInstalledKit,
  textFromUtf8,
  utf8FromText,
  UnexpectedJsonError,
  writeInstalledKit,
} from '@hotpatch/protocol'
import type { InstalledKit } from '@hotpatch/protocol'
import { writeAtomically } from '../ground/durable-files.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'

/**
 * Kits §4: what is installed; undefined when nothing says it, which is no error.
 * @throws KitError installed-invalid
 */
export async function readInstalledRelease(disk: KitDisk, releaseFile: string): Promise<InstalledKit | undefined> {
  const stat = await disk.stat(releaseFile)
  if (stat === undefined) return undefined
  const where = disk.locate(releaseFile)
  if (stat.kind !== 'file' || stat.sizeBytes > MAX_KIT_MANIFEST_BYTES) {
    throw damaged(where, `a file of at most ${MAX_KIT_MANIFEST_BYTES} bytes was expected`)
  }
  const text = textFromUtf8((await disk.read(releaseFile)) ?? new Uint8Array())
  if (text === undefined) throw damaged(where, 'UTF-8 was expected')
  try {
    return readInstalledKit(text)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw damaged(where, cause.message, cause)
  }
}

function damaged(where: string, what: string, cause?: unknown): KitError {
  const advice =
    'Put back a copy that you have, or move the file away: what is installed is then unknown until the next apply.'
  return new KitError('installed-invalid', `${where} does not say what is installed: ${what}. ${advice}`, { cause })
}

/** Kits §4: at once, and durable when it resolves: whoever reads sees what was before, or this. */
export async function writeInstalledRelease(
  disk: KitDisk,
  releaseFile: string,
  kit: Parameters<typeof writeInstalledKit>[0],
): Promise<void> {
  await writeAtomically(disk, releaseFile, utf8FromText(writeInstalledKit(kit)))
}
