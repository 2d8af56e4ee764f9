import { readArray, readInteger, readObject, readString } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { FAILURES_FILE, readKitFile, writeKitFile } from '../ground/kit-files.ts'

/** Kits §6: a release that did not work here; not tried again unless somebody wants that. */
export interface FailedRelease {
  releaseId: string
  sequence: number
  code: string
  /** Milliseconds since 1970. */
  at: number
}

/** The oldest are forgotten: whoever offers them again would have to sign them again. */
const MAX_FAILED = 50

/** A file that cannot be read is one that says nothing: it costs one try. */
export async function readFailedReleases(disk: Pick<FilesPort, 'read' | 'stat'>): Promise<FailedRelease[]> {
  const read = (value: unknown) => readArray(value, '', MAX_FAILED).map(readFailed)
  return (await readKitFile(disk, FAILURES_FILE, read).catch(() => undefined)) ?? []
}

export async function noteFailed(disk: FilesPort, failed: FailedRelease): Promise<void> {
  const others = (await readFailedReleases(disk)).filter(({ releaseId }) => releaseId !== failed.releaseId)
  await writeKitFile(disk, FAILURES_FILE, [...others.slice(1 - MAX_FAILED), failed])
}

/** It works after all. */
export async function forgetFailed(disk: FilesPort, releaseId: string): Promise<void> {
  const before = await readFailedReleases(disk)
  const after = before.filter((each) => each.releaseId !== releaseId)
  if (after.length < before.length) await writeKitFile(disk, FAILURES_FILE, after)
}

function readFailed(value: unknown): FailedRelease {
  const json = readObject(value, '')
  return {
    releaseId: readString(json.releaseId, '/releaseId'),
    sequence: readInteger(json.sequence, '/sequence', 1),
    code: readString(json.code, '/code'),
    at: readInteger(json.at, '/at', 0),
  }
}
