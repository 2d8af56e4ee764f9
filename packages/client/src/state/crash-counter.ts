import { readInteger, readObject, readString, utf8FromText } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { readJson, writeJson } from '../ground/json-file.ts'
import { readOneOf } from '../ground/read-one-of.ts'
import { CRASH_COUNT } from './storage-layout.ts'
import type { ActiveRelease } from './stored-state.ts'

/**
 * ota/crash_count.json. On probation: all starts since the release was moved into place. Of a confirmed release: the
 * starts in a row that did not end well, and the last one, as only the next start knows how it ended.
 */
export interface StartCount {
  releaseId: string
  standing: ActiveRelease['standing']
  starts: number
  /** The app itself said, since the last start, that the release does not work. */
  hasCrashed: boolean
  /** The app said, since the last start, that it is ready. */
  isReady: boolean
}

export async function readStartCount(files: FilesPort): Promise<StartCount | undefined> {
  return readJson(files, CRASH_COUNT, (value) => {
    const json = readObject(value, '')
    return {
      releaseId: readString(json.releaseId, '/releaseId'),
      standing: readOneOf(json.standing, '/standing', ['probation', 'confirmed']),
      starts: readInteger(json.starts, '/starts', 0),
      hasCrashed: json.hasCrashed === true,
      isReady: json.isReady === true,
    }
  })
}

/** Durable when it resolves: a release on probation is never started before. */
export async function writeStartCount(files: FilesPort, count: StartCount): Promise<void> {
  await writeJson(files, CRASH_COUNT, count)
}

/**
 * Survives the end of the process, and not always a power cut, which is no crash of the app. So the usual start of a
 * confirmed release waits for no disk. A torn file counts nothing.
 */
export async function noteStartCount(files: FilesPort, count: StartCount): Promise<void> {
  await files.append(CRASH_COUNT, 0, utf8FromText(JSON.stringify(count)))
}

export async function clearStartCount(files: FilesPort): Promise<void> {
  await files.remove(CRASH_COUNT)
}

/** Engine §3: that it is not ready says something only of apps that are known to say when they are. */
export function endedBadly(count: StartCount, { tellsReady }: { tellsReady: boolean }): boolean {
  return count.hasCrashed || (tellsReady && !count.isReady)
}
