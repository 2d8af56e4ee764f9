import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { text } from 'node:stream/consumers'
import type { S3Client } from './s3-client.ts'

/** Each is looked at before it goes, within the time that others wait. */
const REMOVED_AT_ONCE = 100
const LOOKS_AT_ONCE = 16
/** After this long nothing more is removed under a notice. */
const REMOVES_FOR_MS = 30_000
/** Those who wait take a notice for abandoned after this long: twice what its author has, for what is still on its way. */
const ABANDONED_AFTER_MS = 60_000
const LOOK_AGAIN_MS = 250
/** Stores tell times in whole seconds, some of them cut off. */
const SECOND_MS = 1000

/**
 * Removal by age that never takes what was just put again. S3 has no condition for that which all stores know: tags of an
 * object that is written again with the same bytes stay the same. So each side writes first and then looks: who removes
 * states what, then looks at the age, then removes; who puts writes, then looks for notices, waits for the end of those
 * that its object is in, and looks whether the object is there. Whichever wrote first is seen by the other.
 * That holds where a store shows what was written to whoever looks afterwards, as AWS, R2, MinIO, Ceph and Google do.
 */
export function createGuardedRemovals({
  s3,
  folder,
  nameOf,
}: {
  s3: S3Client
  folder: string
  nameOf: (key: string) => string
}) {
  async function removeOlder(keys: readonly string[], olderThan: (skewMs: number) => Date): Promise<void> {
    for (let at = 0; at < keys.length; at += REMOVED_AT_ONCE)
      await removeSome(keys.slice(at, at + REMOVED_AT_ONCE), olderThan)
  }

  async function removeSome(keys: readonly string[], olderThan: (skewMs: number) => Date): Promise<void> {
    const notice = `${folder}${randomUUID()}`
    const end = AbortSignal.timeout(REMOVES_FOR_MS)
    await s3.put(notice, Buffer.from(keys.join('\n')))
    const limit = olderThan(s3.skewMs()).getTime()
    const old: string[] = []
    const queue = keys.values()
    async function look() {
      for (const key of queue) {
        const object = await s3.stat(nameOf(key))
        if (object && object.modifiedAt.getTime() + SECOND_MS <= limit) old.push(nameOf(key))
      }
    }
    await Promise.all(Array.from({ length: Math.min(LOOKS_AT_ONCE, keys.length) }, look))
    // Whether what fails here was done nobody knows: then the notice stays, and is taken for abandoned later.
    if (!end.aborted) await s3.remove(old, end)
    await s3.remove([notice])
  }

  /** After a put. @returns whether the object is there for good; else it is to be put again */
  async function outlasts(key: string): Promise<boolean> {
    const seen = new Map<string, boolean>()
    const concerns = async () => {
      for await (const { name } of s3.list(folder)) {
        if (!seen.has(name)) seen.set(name, await isStatedIn(name, key))
        if (seen.get(name)) return true
      }
      return false
    }
    for (let waitedMs = 0; waitedMs < ABANDONED_AFTER_MS && (await concerns()); waitedMs += LOOK_AGAIN_MS)
      await wait(LOOK_AGAIN_MS)
    // Without a notice, too: a store may date a write by its begin, and so before a removal that is over by now.
    return (await s3.stat(nameOf(key))) !== undefined
  }

  async function isStatedIn(notice: string, key: string): Promise<boolean> {
    const stream = await s3.open(notice)
    return stream !== undefined && (await text(stream)).includes(key)
  }

  async function removeAbandoned(before: Date): Promise<void> {
    for await (const { name, modifiedAt } of s3.list(folder)) if (modifiedAt < before) await s3.remove([name])
  }

  return { removeOlder, outlasts, removeAbandoned }
}
