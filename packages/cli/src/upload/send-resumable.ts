import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { ApiProblem, type App, type UploadClaim } from '@hotpatch/api'
import type { ContentUpload } from '../content/content-kind.ts'
import { createProgress } from '../output/progress.ts'
import { formatBytes } from '../output/text.ts'
import type { Session } from '../session/session.ts'
import { beginningsOf } from './begun-uploads.ts'
import { isThere } from './is-there.ts'
import { persistently } from './retry.ts'

const CHUNK_BYTES = 256 * 1024

/**
 * Sends a big file so that it goes on where the line broke off, the server was started anew (Content §5.5), or this tool
 * was: with the same bytes, whose digest the server holds the whole against.
 */
export async function sendResumable(session: Session, app: App, upload: ContentUpload): Promise<void> {
  const { api, context, output } = session
  const { path, kind, name, sha256, sizeBytes } = upload
  const claim: UploadClaim = { sha256, sizeBytes, kind, ...(name !== undefined && { filename: name }) }
  const progress = createProgress(context, 'Uploading', sizeBytes)
  const beginnings = beginningsOf(context)
  const key = { server: session.url, appId: app.id, kind, sha256 }
  let id = await beginnings.find(key)
  let isFromBefore = id !== undefined
  try {
    await persistently(session, async () => {
      const offset = id === undefined ? undefined : await findOffset(id)
      if (isFromBefore && offset !== undefined && offset > 0) {
        output.notice(`Going on with ${name ?? path}: ${formatBytes(offset)} of ${formatBytes(sizeBytes)} are there.`)
      }
      isFromBefore = false
      if (offset === undefined) {
        // It may have arrived just before its answer was lost.
        if (await isThere(session, app, upload)) return
        id = await api.beginUpload(app.id, claim)
        await beginnings.keep(key, id)
      }
      await send(id as string, offset ?? 0)
    })
    await beginnings.forget(key)
  } catch (error) {
    const isOpen = !(error instanceof ApiProblem) || error.status >= 500
    if (id !== undefined && isOpen) {
      output.notice('The server keeps what has arrived for some hours: the same command goes on with it.')
    }
    throw error
  } finally {
    progress.stop()
  }

  async function findOffset(begun: string): Promise<number | undefined> {
    const offset = await api.getUploadOffset(app.id, begun)
    // Of another file: its id was given again, or what is known here is damaged.
    return offset !== undefined && offset <= sizeBytes ? offset : undefined
  }

  async function send(begun: string, offset: number): Promise<void> {
    const file = createReadStream(path, { start: offset, highWaterMark: CHUNK_BYTES })
    async function* body() {
      let sentBytes = offset
      for await (const chunk of file) {
        yield chunk as Uint8Array
        progress.advanceTo((sentBytes += (chunk as Uint8Array).length))
      }
    }
    try {
      const stream = ReadableStream.from(Readable.from(body())) as ReadableStream<Uint8Array>
      await api.continueUpload(app.id, begun, offset, { sizeBytes: sizeBytes - offset, body: stream })
    } finally {
      file.destroy()
    }
  }
}
