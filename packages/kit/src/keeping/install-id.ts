import type { CryptoPort, FilesPort } from '@hotpatch/device-ground'
import { readObject, readString } from '@hotpatch/protocol'
import { INSTALL_FILE, readKitFile, writeKitFile } from '../ground/kit-files.ts'

const ID = /^[0-9A-Za-z][0-9A-Za-z._-]{7,99}$/

/** Kits §6: by which the server knows this installation. Made up once; says nothing of anybody. */
export async function installIdOn(disk: FilesPort, crypto: Pick<CryptoPort, 'randomUuid'>): Promise<string> {
  const read = (value: unknown) =>
    readString(readObject(value, '').installId, '/installId', { pattern: ID, expected: 'an id in one word' })
  const found = await readKitFile(disk, INSTALL_FILE, read)
  if (found !== undefined) return found
  const installId = crypto.randomUuid()
  await writeKitFile(disk, INSTALL_FILE, { installId })
  return installId
}
