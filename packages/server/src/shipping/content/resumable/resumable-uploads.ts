import { createReadStream } from 'node:fs'
import { MAX_FILE_NAME_LENGTH, UPLOAD_KINDS, type UploadKind } from '@hotpatch/api'
import { Problem, problem } from '@hotpatch/protocol'
import { MemoryLocker, Server, type Upload } from '@tus/server'
import { type Clock, HOUR_MS } from '../../../ground/clock.ts'
import { isFull, noRoom } from '../../artifacts/no-room.ts'
import type { ContentService } from '../content-service.ts'
import type { FileUploads } from '../files/file-uploads.ts'
import { UploadStore } from './upload-store.ts'

/** What an upload says of itself when it begins. */
interface UploadClaim {
  sha256: string
  kind: UploadKind
  name: string | undefined
}

export type ResumableUploads = ReturnType<typeof createResumableUploads>

/**
 * Uploads that go on where they broke off, by tus 1.0 (Content §5.5). What has arrived whole goes the way of every
 * upload: it is hashed, checked by its kind, kept, and waits for its release.
 */
export function createResumableUploads({
  directory,
  contents,
  files,
  maxUploads,
  expireMs,
  clock,
  newId,
}: {
  directory: string
  contents: ContentService
  files: FileUploads
  maxUploads: number
  expireMs: number
  clock: Clock
  newId: () => string
}) {
  const store = new UploadStore(directory)
  /** Those that have nothing on the disk yet: what has is counted there, as other processes begin and end some, too. */
  const beginning = new Set<string>()
  /** Of one app; of one alone, all of them would be no bound for the others. */
  const maxOfApp = Math.ceil(maxUploads * SHARE_OF_APP)
  /** What has arrived whole and is looked at: whoever says so again waits for the same. */
  const finishing = new Map<string, Promise<void>>()
  /** What a request has begun. */
  const begunBy = new WeakMap<object, string>()
  /** Of requests that failed, by what they came with: tus knows a status and a text. */
  const failures = new WeakMap<object, Error>()

  const tus = new Server({
    path: '/uploads',
    datastore: store,
    locker: new MemoryLocker(),
    allowedOrigins: () => false,
    maxSize: Math.max(...UPLOAD_KINDS.map(maxBytesOf)),
    namingFunction: (request) => `${request.headers.get(APP_HEADER)}~${newId()}`,
    generateUrl: (_request, { id }) => id,
    getFileIdFromRequest: (request) => request.headers.get(UPLOAD_HEADER) ?? undefined,
    onUploadCreate: async (request, upload) => {
      await begin(upload)
      begunBy.set(request, upload.id)
      return {}
    },
    onUploadFinish: async (_request, upload) => {
      await finish(upload)
      return {}
    },
    onResponseError: (request, error) => {
      // What has a status is a refusal of its own, such as of more bytes than there were to be.
      if (error instanceof Error && !('status_code' in error)) failures.set(request, error)
      return undefined
    },
  })

  function maxBytesOf(kind: UploadKind): number {
    return kind === 'asset' ? contents.limits.maxBytes : contents.maxUploadBytes(kind)
  }

  /** @throws problem invalid-request, body-too-large, too-many-uploads */
  async function begin(upload: Upload): Promise<void> {
    const { kind } = readClaim(upload.metadata)
    const [found = 0, most] = [upload.size, maxBytesOf(kind)]
    if (found > most) throw problem('body-too-large', `Expected at most ${most} bytes, found ${found}.`)
    if (found === 0) throw problem('invalid-request', 'Upload-Length: expected at least 1, found 0.')
    const open = new Set([...(await store.list()), ...beginning])
    const ofApp = [...open].filter((id) => appOf(id) === appOf(upload.id)).length
    const bound = ofApp >= maxOfApp ? `${maxOfApp} uploads of one app` : `${maxUploads} uploads`
    if (ofApp >= maxOfApp || open.size >= maxUploads) {
      throw problem('too-many-uploads', `Expected at most ${bound} at once, found as many.`)
    }
    beginning.add(upload.id)
    upload.creation_date = new Date(clock.now()).toISOString()
  }

  function finish(upload: Upload): Promise<void> {
    const { id } = upload
    const running = finishing.get(id)
    if (running) return running
    const taken = take(upload).finally(() => finishing.delete(id))
    finishing.set(id, taken)
    return taken
  }

  /**
   * What is no good ends the upload, as nothing can be mended about it. Of what failed here, as when the disk is full,
   * the same request may come again.
   */
  async function take({ id, metadata }: Upload): Promise<void> {
    const { sha256, kind, name } = readClaim(metadata)
    try {
      const bytes = createReadStream(store.pathOf(id))
      const appId = appOf(id)
      if (kind === 'asset') await files.upload(appId, { sha256, bytes })
      else await contents.upload(appId, bytes, sha256, { kind, name })
    } catch (error) {
      // Somebody else has ended it meanwhile.
      if (!(await store.find(id))) throw notThere(id)
      if (error instanceof Problem && error.status < 500) await end(id)
      throw error
    }
    await end(id)
  }

  async function end(id: string): Promise<void> {
    await store.remove(id)
  }

  /**
   * @param appId whose upload it is; another app's is not there
   * @param id undefined when one begins
   * @throws problem
   */
  async function handle(request: Request, appId: string, id: string | undefined): Promise<Response> {
    if (id !== undefined) await requireOwn(appId, id)
    request.headers.set(APP_HEADER, appId)
    if (id !== undefined) request.headers.set(UPLOAD_HEADER, id)
    const response = await tus.handleWeb(request).finally(() => beginning.delete(begunBy.get(request) ?? ''))
    const failure = failures.get(request)
    if (failure) {
      await forgetUnbegun(request)
      // tus hands on what broke first: the stream, with the words of the system, or the store, with ours.
      throw isFull(failure) ? noRoom(failure) : failure
    }
    if (response.status >= 400) throw refusalOf(response.status, await response.text())
    const begun = id ?? response.headers.get('location') ?? undefined
    const record = begun === undefined ? undefined : await store.find(begun)
    if (record) response.headers.set('upload-expires', new Date(record.createdAt + expireMs).toUTCString())
    return response
  }

  /** What could not be written down, as on a full disk, is no upload: nobody could go on with it. */
  async function forgetUnbegun(request: Request): Promise<void> {
    const id = begunBy.get(request)
    if (id === undefined || (await store.find(id))) return
    // What is left of it the next sweep finds.
    await store.remove(id).catch(() => undefined)
  }

  async function requireOwn(appId: string, id: string): Promise<void> {
    const record = ID.test(id) && id.startsWith(`${appId}~`) ? await store.find(id) : undefined
    if (!record) throw notThere(id)
    if (record.createdAt + expireMs > clock.now()) return
    await end(id)
    throw problem('upload-expired', `Expected the upload to be done within ${expireMs / 3_600_000} hours.`)
  }

  /** Removes what took too long. */
  async function sweep(): Promise<void> {
    for (const id of await store.list()) {
      const record = await store.find(id)
      // One that begins at this moment has no record yet: here, it is known, and in another process it is young.
      const isOver = record ? record.createdAt + expireMs <= clock.now() : !beginning.has(id) && (await isOld(id))
      if (isOver) await end(id)
    }
  }

  async function isOld(id: string): Promise<boolean> {
    const touchedAt = await store.touchedAt(id)
    return touchedAt === undefined || touchedAt < clock.now() - UNBEGUN_MS
  }

  return { handle, sweep }
}

/** Of what may be on its way at once, what may be one app's. */
const SHARE_OF_APP = 1 / 2

/** What has no record for so long never began. */
const UNBEGUN_MS = HOUR_MS

const APP_HEADER = 'x-hotpatch-app'
const UPLOAD_HEADER = 'x-hotpatch-upload'

const ID = /^[0-9a-f-]{36}~[0-9a-f-]{36}$/
const SHA256 = /^[0-9a-f]{64}$/

/** @throws problem invalid-request */
function readClaim(metadata: Upload['metadata'] = {}): UploadClaim {
  const { sha256, kind, filename } = metadata
  if (typeof sha256 !== 'string' || !SHA256.test(sha256)) {
    throw problem('invalid-request', `Upload-Metadata: expected sha256 in lower-case hex, found ${sha256 ?? 'none'}.`)
  }
  const known = UPLOAD_KINDS.find((each) => each === kind)
  if (known === undefined) {
    const expected = `kind ${UPLOAD_KINDS.join(', ')}`
    throw problem('invalid-request', `Upload-Metadata: expected ${expected}, found ${kind ?? 'none'}.`)
  }
  if (kind === 'binary' && (!filename || filename.length > MAX_FILE_NAME_LENGTH)) {
    throw problem('invalid-request', `Upload-Metadata: expected filename with the file's own name, found none.`)
  }
  return { sha256, kind: known, name: filename ?? undefined }
}

function appOf(id: string): string {
  return id.slice(0, id.indexOf('~'))
}

function notThere(id: string): Problem {
  return problem('upload-not-found', `There is no upload "${id.slice(0, 80)}": it never was, or is done.`)
}

function refusalOf(status: number, text: string): Problem {
  const detail = text.trim()
  if (status === 404) return problem('upload-not-found', detail)
  if (status === 409) return problem('upload-conflict', detail)
  if (status === 412) return problem('upload-version', detail)
  if (status === 413) return problem('body-too-large', detail)
  // 501 is what this server does not do, and never will.
  if (status >= 500 && status !== 501) return problem('unavailable', detail)
  return problem('invalid-request', detail)
}
