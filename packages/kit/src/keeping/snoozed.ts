import type { FilesPort } from '@hotpatch/device-ground'
import { readInteger, readObject, readString } from '@hotpatch/protocol'
import { readKitFile, SNOOZE_FILE, writeKitFile } from '../ground/kit-files.ts'

const DAY_MS = 86_400_000

/** Kits §6: put off by whoever looks after this machine. */
export interface Snoozed {
  releaseId: string
  /** Milliseconds since 1970. */
  at: number
  until: number
}

/** Seven days; one of what is required. */
export async function snoozeRelease(
  disk: FilesPort,
  { releaseId, isRequired, now }: { releaseId: string; isRequired: boolean; now: number },
): Promise<Snoozed> {
  const snoozed = { releaseId, at: now, until: now + (isRequired ? DAY_MS : 7 * DAY_MS) }
  await writeKitFile(disk, SNOOZE_FILE, snoozed)
  return snoozed
}

/** Undefined when this release is not put off, or no more. A clock that went back puts nothing off for longer. */
export async function readSnoozed(
  disk: Pick<FilesPort, 'read' | 'stat'>,
  { releaseId, now }: { releaseId: string; now: number },
): Promise<Snoozed | undefined> {
  const read = (value: unknown): Snoozed => {
    const json = readObject(value, '')
    return {
      releaseId: readString(json.releaseId, '/releaseId'),
      at: readInteger(json.at, '/at', 0),
      until: readInteger(json.until, '/until', 0),
    }
  }
  const found = await readKitFile(disk, SNOOZE_FILE, read).catch(() => undefined)
  if (found?.releaseId !== releaseId || now >= found.until || now < found.at - DAY_MS) return undefined
  return found
}
