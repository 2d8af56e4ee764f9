import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { CompletedPart, DeleteObjectsCommandOutput, GetObjectCommandOutput } from '@aws-sdk/client-s3'
import type { Clock } from '../../clock.ts'
import type { ByteRange, StoredObject } from '../storage-driver.ts'
import { readOn, type SentBytes } from './read-on.ts'
import type { S3Config } from './s3-config.ts'
import { asStorageError, readFailure } from './s3-failures.ts'
import { StorageError } from '../storage-error.ts'

const CONNECT_MS = 5_000
/** Until the answer begins; a part of an upload on a slow line is before that. */
const ANSWER_MS = 120_000
const MAX_ATTEMPTS = 4
/** Each download that the server streams has one. */
const MAX_CONNECTIONS = 256
/** As many as one request can remove. */
export const MAX_REMOVED_AT_ONCE = 1000

export interface NamedObject extends StoredObject {
  name: string
}

export interface LinkHeaders {
  contentType?: string
  contentDisposition?: string
  contentEncoding?: string
}

/** How whoever is sent the object gets it, in the words of the store. */
export interface PutHeaders {
  ContentType?: string
  CacheControl?: string
}

export type S3Client = Awaited<ReturnType<typeof connectS3>>

/**
 * The few requests that the driver makes, over AWS's own client, which is loaded here and nowhere else: a server with its artifacts
 * on a disk neither waits for it nor has it in memory. All failures are of `StorageError`, or come from reading a file.
 */
export async function connectS3({ config, clock }: { config: S3Config; clock: Clock }) {
  const sdk = await import('@aws-sdk/client-s3')
  const { bucket: Bucket, credentials } = config
  const client = new sdk.S3Client({
    region: config.region,
    ...(config.endpoint !== null && { endpoint: config.endpoint }),
    forcePathStyle: config.isPathStyle,
    ...(credentials && {
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey,
        ...(credentials.sessionToken !== null && { sessionToken: credentials.sessionToken }),
      },
    }),
    // Every body is signed by its SHA-256, which all stores hold it against. Checksums beside that are not known to all.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: MAX_ATTEMPTS,
    systemClockOffset: clock.now() - Date.now(),
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      throwOnRequestTimeout: true,
      httpAgent: { maxSockets: MAX_CONNECTIONS },
      httpsAgent: { maxSockets: MAX_CONNECTIONS },
    },
  })
  let skewMs = 0
  let isReachable = true

  client.middlewareStack.add(
    (next) => async (given) => {
      const result = await next(given)
      const { headers } = result.response as { headers: Record<string, string> }
      const said = Date.parse(headers.date ?? '')
      // Told in whole seconds: never later than it was there when it was told.
      if (!Number.isNaN(said)) skewMs = said - clock.now()
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'noteTimeOfStore' },
  )
  client.middlewareStack.add(
    (next, { commandName }) =>
      (given) => {
        const request = given.request as { headers: Record<string, string>; body?: string | Uint8Array }
        // Stores that are older than the newer checksums refuse a removal of many without it.
        if (commandName === 'DeleteObjectsCommand' && request.body !== undefined)
          request.headers['content-md5'] = createHash('md5').update(request.body).digest('base64')
        return next(given)
      },
    { step: 'build', priority: 'low', name: 'addMd5ToRemovals' },
  )

  /** Notes whether anybody answers, and says what went wrong in our words. */
  async function ask<Result>(request: Promise<Result>): Promise<Result> {
    try {
      const result = await request
      isReachable = true
      return result
    } catch (error) {
      const said = asStorageError(error)
      isReachable = !(said instanceof StorageError) || said.failure !== 'unreachable'
      throw said
    }
  }

  function unlessMissing<Result>(request: Promise<Result>): Promise<Result | undefined> {
    return ask(
      request.catch((error: unknown) => {
        if (readFailure(error)?.kind === 'not-found') return undefined
        throw error
      }),
    )
  }

  /** Undefined where the store does not know how. Google's says so of removals of many by 400. */
  function unlessUnknown<Result>(request: Promise<Result>): Promise<Result | undefined> {
    return ask(
      request.catch((error: unknown) => {
        const failure = readFailure(error)
        if (failure?.kind === 'not-implemented' || failure?.code === 'InvalidArgument') return undefined
        throw error
      }),
    )
  }

  async function put(name: string, bytes: Buffer, headers: PutHeaders = {}): Promise<void> {
    const object = { Bucket, Key: name, Body: bytes, ContentLength: bytes.length }
    await ask(client.send(new sdk.PutObjectCommand({ ...object, ...headers })))
  }

  async function stat(name: string): Promise<StoredObject | undefined> {
    const found = await unlessMissing(client.send(new sdk.HeadObjectCommand({ Bucket, Key: name })))
    return found && { sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
  }

  async function askForBytes(name: string, range?: ByteRange): Promise<SentBytes | undefined> {
    const Range = range && `bytes=${range.start}-${range.end}`
    const found = await unlessMissing(
      client.send(new sdk.GetObjectCommand({ Bucket, Key: name, ...(Range && { Range }) })),
    )
    return found && { bytes: found.Body as Readable, ...readSent(found) }
  }

  const open = (name: string, range?: ByteRange) => readOn((part) => askForBytes(name, part), range)

  /**
   * Has the store write an object anew from itself, so that it counts as just written.
   * @returns false when it is not there, or when the store will not do that
   */
  async function rewrite(name: string): Promise<boolean> {
    const CopySource = `${Bucket}/${name.split('/').map(encodeURIComponent).join('/')}`
    const request = client.send(
      new sdk.CopyObjectCommand({ Bucket, Key: name, CopySource, MetadataDirective: 'REPLACE' }),
    )
    return ask(
      request.then(
        () => true,
        (error: unknown) => {
          const failure = readFailure(error)
          if (failure === undefined || failure.kind === 'unreachable') throw error
          return false
        },
      ),
    )
  }

  async function beginParts(name: string): Promise<string> {
    const { UploadId = '' } = await ask(client.send(new sdk.CreateMultipartUploadCommand({ Bucket, Key: name })))
    return UploadId
  }

  async function putPart(name: string, uploadId: string, number: number, bytes: Buffer): Promise<CompletedPart> {
    const part = { Bucket, Key: name, UploadId: uploadId, PartNumber: number }
    const { ETag } = await ask(
      client.send(new sdk.UploadPartCommand({ ...part, Body: bytes, ContentLength: bytes.length })),
    )
    return { PartNumber: number, ETag }
  }

  async function completeParts(name: string, uploadId: string, parts: readonly CompletedPart[]): Promise<void> {
    const MultipartUpload = { Parts: [...parts] }
    await ask(
      client.send(new sdk.CompleteMultipartUploadCommand({ Bucket, Key: name, UploadId: uploadId, MultipartUpload })),
    )
  }

  async function abandonParts(name: string, uploadId: string): Promise<void> {
    await ask(
      client
        .send(new sdk.AbortMultipartUploadCommand({ Bucket, Key: name, UploadId: uploadId }))
        .catch((error: unknown) => {
          // Somebody else has ended it, or it was completed.
          if (error instanceof Error && error.name === 'NoSuchUpload') return
          throw error
        }),
    )
  }

  /** Uploads in parts that were begun and neither completed nor abandoned. */
  async function* listParts(prefix: string) {
    let after: { KeyMarker?: string; UploadIdMarker?: string } = {}
    for (;;) {
      const page = await unlessUnknown(
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: prefix, ...after })),
      )
      for (const { Key = '', UploadId = '', Initiated } of page?.Uploads ?? [])
        if (Key.startsWith(prefix) && Initiated) yield { name: Key, uploadId: UploadId, begunAt: Initiated }
      const { NextKeyMarker, NextUploadIdMarker, IsTruncated } = page ?? {}
      // A store that gives the same place again would be asked for ever.
      if (!IsTruncated || (NextKeyMarker === after.KeyMarker && NextUploadIdMarker === after.UploadIdMarker)) return
      after = {
        ...(NextKeyMarker !== undefined && { KeyMarker: NextKeyMarker }),
        ...(NextUploadIdMarker !== undefined && { UploadIdMarker: NextUploadIdMarker }),
      }
    }
  }

  async function* list(prefix: string): AsyncGenerator<NamedObject> {
    let ContinuationToken: string | undefined
    for (;;) {
      const page = await ask(
        client.send(
          new sdk.ListObjectsV2Command({ Bucket, Prefix: prefix, ...(ContinuationToken && { ContinuationToken }) }),
        ),
      )
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? [])
        yield { name: Key, sizeBytes: Size, modifiedAt: LastModified ?? new Date(0) }
      const next = page.IsTruncated ? page.NextContinuationToken : undefined
      if (next === undefined || next === ContinuationToken) return
      ContinuationToken = next
    }
  }

  /** @param names at most as many as one request can remove */
  async function remove(names: readonly string[], abortSignal?: AbortSignal): Promise<void> {
    if (names.length === 0) return
    const Delete = { Objects: names.map((Key) => ({ Key })), Quiet: true }
    const options = abortSignal ? { abortSignal } : {}
    const done = await unlessUnknown(client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete }), options))
    if (done) return requireAllRemoved(done)
    for (const Key of names) await ask(client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), options))
  }

  /** A link that whoever has it can read one object by, until it ends. */
  async function presign(name: string, seconds: number, headers: LinkHeaders): Promise<URL> {
    const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner')
    const { contentType, contentDisposition, contentEncoding } = headers
    const command = new sdk.GetObjectCommand({
      Bucket,
      Key: name,
      ...(contentType !== undefined && { ResponseContentType: contentType }),
      ...(contentDisposition !== undefined && { ResponseContentDisposition: contentDisposition }),
      ...(contentEncoding !== undefined && { ResponseContentEncoding: contentEncoding }),
    })
    const signingDate = new Date(clock.now() + skewMs)
    return new URL(await ask(getSignedUrl(client, command, { expiresIn: seconds, signingDate })))
  }

  return {
    put,
    stat,
    open,
    rewrite,
    beginParts,
    putPart,
    completeParts,
    abandonParts,
    listParts,
    list,
    remove,
    presign,
    /** What the store's clock said last, against ours. */
    skewMs: () => skewMs,
    isReachable: () => isReachable,
    close: () => client.destroy(),
  }
}

function requireAllRemoved({ Errors = [] }: DeleteObjectsCommandOutput): void {
  const [first] = Errors.filter(({ Code }) => Code !== 'NoSuchKey')
  if (first) throw new StorageError('refused', `The artifact storage refuses to remove (${first.Code ?? 'unknown'}).`)
}

/** Without a range in the answer it is the whole, whatever was asked for. */
function readSent({ ContentRange, ContentLength = 0 }: GetObjectCommandOutput): Omit<SentBytes, 'bytes'> {
  const [, start, end, sizeBytes] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(ContentRange ?? '') ?? []
  if (sizeBytes === undefined) return { range: { start: 0, end: ContentLength - 1 }, sizeBytes: ContentLength }
  return { range: { start: Number(start), end: Number(end) }, sizeBytes: Number(sizeBytes) }
}
