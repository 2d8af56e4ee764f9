import { readInteger, readObject, readOptional, readString } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { readKitFile, TRUST_FILE, writeKitFile } from '../ground/kit-files.ts'

/** Kits §6: what this machine goes below never again. Neither falls, and only what was signed raises them. */
export interface KitTrust {
  /** The highest sequence that was ever committed. */
  sequence: number
  /** That had it; undefined: that is not known. */
  releaseId: string | undefined
  /** The highest floor that was ever seen. */
  floor: number
}

const NOTHING_SEEN: KitTrust = { sequence: 0, releaseId: undefined, floor: 0 }

/** @throws KitError storage-failed: a file that cannot be read does not mean that nothing was ever seen */
export async function readTrust(disk: Pick<FilesPort, 'read' | 'stat'>): Promise<KitTrust> {
  const read = (value: unknown): KitTrust => {
    const json = readObject(value, '')
    return {
      sequence: readInteger(json.sequence, '/sequence', 0),
      releaseId: readOptional(json.releaseId, (found) => readString(found, '/releaseId')),
      floor: readInteger(json.floor, '/floor', 0),
    }
  }
  return (await readKitFile(disk, TRUST_FILE, read)) ?? NOTHING_SEEN
}

/** Durable when it resolves. */
export async function raiseTrust(disk: FilesPort, by: Partial<KitTrust>): Promise<KitTrust> {
  const before = await readTrust(disk)
  const sequence = Math.max(before.sequence, by.sequence ?? 0)
  const known = before.sequence === sequence ? before.releaseId : undefined
  const releaseId = known ?? (by.sequence === sequence ? by.releaseId : undefined)
  const after = { sequence, releaseId, floor: Math.max(before.floor, by.floor ?? 0) }
  const isRaised =
    sequence > before.sequence || after.floor > before.floor || (releaseId !== before.releaseId && sequence > 0)
  if (isRaised) await writeKitFile(disk, TRUST_FILE, after)
  return after
}
