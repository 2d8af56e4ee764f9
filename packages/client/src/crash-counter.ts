import { readInteger, readObject, readString } from '@hotpatch/protocol'
import { readJson, writeJson } from './json-file.ts'
import type { FilesPort } from './ports.ts'
import { CRASH_COUNT } from './storage-layout.ts'

/** ota/crash_count.json: starts of a release on probation since it was moved into place. */
export interface StartCount {
  releaseId: string
  starts: number
  /** The app itself said that the release does not work. */
  hasCrashed: boolean
}

export async function readStartCount(files: FilesPort): Promise<StartCount | undefined> {
  return readJson(files, CRASH_COUNT, (value) => {
    const json = readObject(value, '')
    return {
      releaseId: readString(json.releaseId, '/releaseId'),
      starts: readInteger(json.starts, '/starts', 0),
      hasCrashed: json.hasCrashed === true,
    }
  })
}

/** Durable when it resolves: a release on probation is never started before. */
export async function writeStartCount(files: FilesPort, count: StartCount): Promise<void> {
  await writeJson(files, CRASH_COUNT, count)
}

export async function clearStartCount(files: FilesPort): Promise<void> {
  await files.remove(CRASH_COUNT)
}
