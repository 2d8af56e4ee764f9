import { UnexpectedJsonError, utf8FromText } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { jsonFromUtf8 } from './bytes.ts'

/** Undefined when the file is absent, or damaged: writes are atomic, so only a failing disk can tear one. */
export async function readJson<T>(files: FilesPort, path: string, read: (value: unknown) => T): Promise<T | undefined> {
  const bytes = await files.read(path)
  if (!bytes) return undefined
  try {
    return read(jsonFromUtf8(bytes))
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return undefined
    throw error
  }
}

/** Engine §6: after a crash at any moment the file is the old one or the new one. One writer per path at a time. */
export async function writeJson(files: FilesPort, path: string, value: unknown): Promise<void> {
  const temporary = `${path}.tmp`
  await files.write(temporary, utf8FromText(JSON.stringify(value)))
  await files.rename(temporary, path)
  await files.syncDirectory(path.slice(0, path.lastIndexOf('/')))
}
