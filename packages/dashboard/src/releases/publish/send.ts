import { ApiProblem, ServerUnreachable, type ManagementClient, type UploadClaim } from '@hotpatch/api'

/** Sent as one request: progress is told, and what breaks off is lost, by so much. */
const PIECE_BYTES = 4 * 1024 * 1024
/** As long as the page is open it goes on trying: a line may be down for hours. */
const WAITS_MS = [1000, 2000, 5000, 10_000, 30_000]

export interface Sending {
  api: () => ManagementClient
  app: string
  onProgress: (sentBytes: number) => void
  /** Whether the server is not reached at the moment. */
  onWaiting: (isWaiting: boolean) => void
  signal: AbortSignal
}

/**
 * Brings a file to the server so that it goes on where it broke off: also after the page was closed, with the same bytes,
 * whose digest the server holds the whole against.
 */
export async function sendResumable(blob: Blob, claim: UploadClaim, sending: Sending): Promise<void> {
  const { app, signal } = sending
  const kept = keyOf(app, claim)
  let id = localStorage.getItem(kept) ?? undefined
  await persistently(sending, async () => {
    const api = sending.api()
    const offset = id === undefined ? undefined : await findOffset(api, app, id, blob.size)
    if (offset === undefined) {
      if (claim.kind !== 'asset' && mayBeThere(kept, id) && (await api.findArtifact(app, claim.sha256, claim.kind)))
        return
      id = await api.beginUpload(app, claim)
      localStorage.setItem(kept, id)
    }
    let at = offset ?? 0
    while (at < blob.size) {
      signal.throwIfAborted()
      const piece = blob.slice(at, at + PIECE_BYTES)
      await api.continueUpload(app, id as string, at, { sizeBytes: piece.size, body: piece, signal })
      at += piece.size
      sending.onWaiting(false)
      sending.onProgress(at)
    }
    // All bytes are there, and the answer that they are taken never came.
    if (offset === blob.size) {
      await api.continueUpload(app, id as string, at, { sizeBytes: 0, body: new Blob(), signal })
    }
  }).catch((error: unknown) => {
    // What is refused is refused again: the next try begins anew.
    if (error instanceof ApiProblem && error.status < 500) localStorage.removeItem(kept)
    throw error
  })
  localStorage.removeItem(kept)
  rememberSent(kept)
  sending.onProgress(blob.size)
}

/** It may have arrived just before its answer was lost, or was sent by this browser. Of others nobody asks, as they are not. */
function mayBeThere(kept: string, id: string | undefined): boolean {
  return id !== undefined || readSent().includes(kept)
}

const SENT = 'hotpatch-sent'
const MAX_SENT = 100

function rememberSent(kept: string): void {
  localStorage.setItem(SENT, JSON.stringify([kept, ...readSent().filter((each) => each !== kept)].slice(0, MAX_SENT)))
}

function readSent(): string[] {
  return (localStorage.getItem(SENT) ?? '[]').match(/hotpatch-upload [^"]+/g) ?? []
}

/** Again and again while nobody answers; what is refused is the caller's. */
export async function persistently<Answer>(
  { onWaiting, signal }: Pick<Sending, 'onWaiting' | 'signal'>,
  attempt: () => Promise<Answer>,
): Promise<Answer> {
  for (let failures = 0; ; failures += 1) {
    signal.throwIfAborted()
    try {
      const answer = await attempt()
      onWaiting(false)
      return answer
    } catch (error) {
      signal.throwIfAborted()
      if (!isTransient(error)) throw error
      onWaiting(true)
      await onlineAgain(WAITS_MS[Math.min(failures, WAITS_MS.length - 1)] ?? 0, signal)
    }
  }
}

function isTransient(error: unknown): boolean {
  if (error instanceof ServerUnreachable) return true
  // A conflict: another tab, or a request that was thought lost, has sent some more.
  return error instanceof ApiProblem && (error.status >= 502 || error.type === 'upload-conflict')
}

/** @returns undefined of one that is done, or is no more */
async function findOffset(
  api: ManagementClient,
  app: string,
  id: string,
  sizeBytes: number,
): Promise<number | undefined> {
  const offset = await api.getUploadOffset(app, id)
  return offset !== undefined && offset <= sizeBytes ? offset : undefined
}

function onlineAgain(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      removeEventListener('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    addEventListener('online', done)
    signal.addEventListener('abort', done)
  })
}

function keyOf(app: string, { kind, sha256 }: UploadClaim): string {
  return `hotpatch-upload ${app} ${kind} ${sha256}`
}
