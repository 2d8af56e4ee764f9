import { rm } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import {
  assertStorageKey,
  isStorageKey,
  type ByteRange,
  type LinkedAnswer,
  type SpooledFile,
  type StorageDriver,
} from '../storage-driver.ts'
import { streamOf } from '../stream-of.ts'
import { createGuardedRemovals } from './guarded-removals.ts'
import { createLinks } from './links.ts'
import { MAX_REMOVED_AT_ONCE, type S3Client } from './s3-client.ts'
import type { S3Config } from './s3-config.ts'
import { createUploads } from './upload-in-parts.ts'
import type { Clock } from '../../clock.ts'

/** One removal by age may meet a put; more than a few would be a store that forgets. */
const MAX_PUTS = 5
/** To read this much for nothing is quicker than to ask once more. */
const SMALL_GAP_BYTES = 128 * 1024

/** Objects `<prefix>artifacts/abcdef…` in a bucket. Puts and removals are safe against each other on any number of machines. */
export async function createS3Storage({
  s3,
  config,
  clock,
}: {
  s3: S3Client
  config: S3Config
  clock: Clock
}): Promise<StorageDriver> {
  const folder = `${config.prefix}artifacts/`
  const nameOf = (key: string) => {
    assertStorageKey(key)
    return folder + key
  }
  const removals = createGuardedRemovals({ s3, folder: `${config.prefix}removals/`, nameOf })
  const uploads = createUploads({ s3 })
  const links = await createLinks({ s3, downloads: config.downloads, clock })

  async function put(key: string, file: SpooledFile): Promise<void> {
    const name = nameOf(key)
    for (let puts = 1; ; puts += 1) {
      if (!(await refresh(name, file.sizeBytes))) await uploads.upload(name, key, file)
      if (await removals.outlasts(key)) break
      if (puts === MAX_PUTS) throw new Error(`The artifact storage lost the object "${name}" ${MAX_PUTS} times.`)
    }
    await rm(file.path, { force: true })
  }

  /** Makes an existing object count as just put. One of another size was damaged since, and is replaced. */
  async function refresh(name: string, sizeBytes: number): Promise<boolean> {
    return (await s3.stat(name))?.sizeBytes === sizeBytes && (await s3.rewrite(name))
  }

  const stat = async (key: string) => s3.stat(nameOf(key))

  async function open(key: string, ...ranges: readonly ByteRange[]): Promise<Readable | undefined> {
    const name = nameOf(key)
    if (ranges.length <= 1) return s3.open(name, ranges[0])
    const [first, ...others] = gather(ranges)
    const begun = first && (await s3.open(name, first.span))
    if (!begun) return undefined
    let current = begun
    let isClosed = false
    async function* read() {
      yield* cut(first as Gathered, begun as Readable)
      for (const each of others) {
        const bytes = await s3.open(name, each.span)
        if (!bytes) throw new Error(`The artifact storage lost the object "${name}" while it was read.`)
        current = bytes
        // Nobody takes it any more, and nobody would let its connection go.
        if (isClosed) return void bytes.destroy()
        yield* cut(each, bytes)
      }
    }
    return streamOf(read(), () => {
      isClosed = true
      current.destroy()
    })
  }

  async function remove(keys: readonly string[], condition?: { unmodifiedSince: Date }): Promise<void> {
    const names = keys.map(nameOf)
    if (condition) {
      const since = condition.unmodifiedSince.getTime()
      // The time is one of our clock, and ages are told by the store's.
      return removals.removeOlder(keys, (skewMs) => new Date(since + skewMs))
    }
    for (let at = 0; at < names.length; at += MAX_REMOVED_AT_ONCE)
      await s3.remove(names.slice(at, at + MAX_REMOVED_AT_ONCE))
  }

  async function* list() {
    for await (const { name, ...object } of s3.list(folder)) {
      const key = name.slice(folder.length)
      if (isStorageKey(key)) yield { key, ...object }
    }
  }

  async function removeLeftovers(before: Date): Promise<void> {
    const inTimeOfStore = new Date(before.getTime() + s3.skewMs())
    for await (const { name, uploadId, begunAt } of s3.listParts(folder))
      if (begunAt < inTimeOfStore) await s3.abandonParts(name, uploadId)
    await removals.removeAbandoned(inTimeOfStore)
  }

  const downloadUrl = async (key: string, answer?: LinkedAnswer) => links.linkTo(nameOf(key), answer)

  return {
    put,
    stat,
    open,
    downloadUrl,
    remove,
    list,
    removeLeftovers,
    isReachable: s3.isReachable,
    close: s3.close,
    ping: async () => void (await s3.stat(`${config.prefix}hotpatch`)),
  }
}

/** Ranges that one request reads, from the first byte of the first to the last one of the last. */
interface Gathered {
  span: ByteRange
  ranges: ByteRange[]
}

function gather(ranges: readonly ByteRange[]): Gathered[] {
  const gathered: Gathered[] = []
  for (const range of ranges) {
    const last = gathered.at(-1)
    const gap = last ? range.start - last.span.end - 1 : -1
    if (last && gap >= 0 && gap <= SMALL_GAP_BYTES) {
      last.ranges.push(range)
      last.span.end = range.end
    } else gathered.push({ span: { ...range }, ranges: [range] })
  }
  return gathered
}

async function* cut({ span, ranges }: Gathered, bytes: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let position = span.start
  let index = 0
  for await (const chunk of bytes) {
    const end = position + chunk.length
    for (let range = ranges[index]; range && range.start < end; range = ranges[index]) {
      const piece = chunk.subarray(Math.max(0, range.start - position), range.end + 1 - position)
      if (piece.length > 0) yield piece
      if (range.end >= end) break
      index += 1
    }
    position = end
  }
  if (position !== span.end + 1)
    throw new Error(`Expected ${span.end + 1 - span.start} bytes of an object, found ${position - span.start}.`)
}
