import { open, type FileHandle } from 'node:fs/promises'
import type { BinaryFormatName } from '@hotpatch/api'
import { readAab } from './android/read-aab.ts'
import { readApk } from './android/read-apk.ts'
import { readIpa } from './apple/read-ipa.ts'
import { READING_LIMITS, type ReadApplication, type ReadingLimits } from './application.ts'
import { requireFormat, requireMagic } from './formats.ts'
import { namedRefusal } from './refusal.ts'
import { readMsix } from './windows/read-msix.ts'

export interface ReadBinary extends ReadApplication {
  format: BinaryFormatName
}

const READERS: Partial<
  Record<BinaryFormatName, (handle: FileHandle, limits: ReadingLimits) => Promise<ReadApplication>>
> = {
  apk: readApk,
  aab: readAab,
  ipa: readIpa,
  msix: readMsix,
}

/**
 * What a file says of itself. Of some formats only that it is one: what an installer installs, it alone knows.
 * @param path of the bytes
 * @param name under which they were uploaded, which says what they are
 * @throws problem invalid-binary, in bounded memory and time whatever the bytes are
 */
export async function readBinary(
  path: string,
  name: string,
  limits: ReadingLimits = READING_LIMITS,
): Promise<ReadBinary> {
  const handle = await open(path)
  try {
    const format = requireFormat(name)
    await requireMagic(handle, format)
    return { format, ...(await READERS[format]?.(handle, limits)) }
  } catch (error) {
    throw namedRefusal(error, name)
  } finally {
    await handle.close()
  }
}
