import type { CryptoPort } from '@hotpatch/device-ground'
import { hexFromBytes, type KitFile } from '@hotpatch/protocol'
import type { KitDisk } from '../../ground/kit-disk.ts'
import type { ComponentWork } from '../component-adapter.ts'
import { fail } from './component-errors.ts'

const READ_BYTES = 1024 * 1024

export interface ComponentArtifact {
  path: string
  file: KitFile
}

/**
 * What this machine takes, looked at once more: it may have been downloaded before the machine went down.
 * @throws KitError hash-mismatch
 */
export async function expectArtifact(work: ComponentWork): Promise<ComponentArtifact> {
  const { step, artifactPath: path, ports } = work
  const { id } = step.component
  if (path === undefined || step.file === undefined) fail('hash-mismatch', id, `Expected a file of ${id}, found none.`)
  const sha256 = await hashFile(ports.disk, ports.crypto, path)
  if (sha256 !== step.file.sha256) {
    fail('hash-mismatch', id, `Expected ${step.file.sha256} of ${id} at ${path}, found ${sha256 ?? 'no file'}.`)
  }
  return { path, file: step.file }
}

/** Undefined where there is no file. */
export async function hashFile(
  disk: KitDisk,
  crypto: Pick<CryptoPort, 'sha256'>,
  path: string,
): Promise<string | undefined> {
  if ((await disk.stat(path))?.kind !== 'file') return undefined
  const hasher = crypto.sha256()
  for (let offset = 0; ;) {
    const bytes = await disk.readRange(path, offset, READ_BYTES)
    hasher.update(bytes)
    offset += bytes.length
    if (bytes.length < READ_BYTES) return hexFromBytes(await hasher.digest())
  }
}
