import { readArray, readInteger, readObject, readOptional, readString } from '@hotpatch/protocol'
import type { FilesPort } from '@hotpatch/device-ground'
import { KIT_CODES, type KitCode } from '../ground/kit-error.ts'
import { FAILURES_FILE, readKitFile, writeKitFile } from '../ground/kit-files.ts'

/** Kits §9.1: a release that did not work here. */
export interface FailedRelease {
  releaseId: string
  sequence: number
  code: string
  /** Why, for people; absent where an earlier version has noted it. */
  message?: string
  /** Milliseconds since 1970. */
  at: number
}

/** What was a fault of this machine, or on the way to it, is tried again at the next apply; all else when people say so. */
export function isTriedAgain({ code }: Pick<FailedRelease, 'code'>): boolean {
  return Object.hasOwn(KIT_CODES, code) && !KIT_CODES[code as KitCode].isOfRelease
}

/** For people: which release, when, why, and what comes of it. */
export function describeFailed(failed: FailedRelease): string {
  const { releaseId, code, message, at } = failed
  const why = message === undefined ? '' : ` ${message.replace(/[.\s]*$/, '.')}`
  const next = isTriedAgain(failed)
    ? 'It is tried again at the next apply.'
    : 'It is not tried again by itself, but waits for another release, or for: hotpatch kit apply --again'
  return `Did not work here: ${releaseId} (${code}), ${new Date(at).toISOString()}.${why} ${next}`
}

/** The oldest are forgotten: whoever offers them again would have to sign them again. */
const MAX_FAILED = 50

/** A file that cannot be read is one that says nothing: it costs one try. */
export async function readFailedReleases(disk: Pick<FilesPort, 'read' | 'stat'>): Promise<FailedRelease[]> {
  const read = (value: unknown) => readArray(value, '', MAX_FAILED).map(readFailed)
  return (await readKitFile(disk, FAILURES_FILE, read).catch(() => undefined)) ?? []
}

export async function noteFailed(disk: FilesPort, failed: FailedRelease): Promise<void> {
  const known = await readFailedReleases(disk)
  const before = known.find(({ releaseId }) => releaseId === failed.releaseId)
  // A machine that had no room afterwards acquits nobody.
  if (before && !isTriedAgain(before) && isTriedAgain(failed)) return
  const others = known.filter((each) => each !== before)
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
    ...readOptional(json.message, (found) => ({ message: readString(found, '/message') })),
    at: readInteger(json.at, '/at', 0),
  }
}
