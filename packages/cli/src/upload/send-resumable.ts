import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { ApiProblem, type App, type UploadClaim } from '@hotpatch/api'
import type { ContentUpload } from '../content/content-kind.ts'
import { createProgress } from '../output/progress.ts'
import type { Session } from '../session/session.ts'
import { persistently } from './retry.ts'

const CHUNK_BYTES = 256 * 1024

/** Sends a big file so that it goes on where the line broke off, or the server was started anew (Content §5.5). */
export async function sendResumable(session: Session, app: App, upload: ContentUpload): Promise<void> {
  const { api, context } = session
  const { path, kind, name, sha256, sizeBytes } = upload
  const claim: UploadClaim = { sha256, sizeBytes, kind, ...(name !== undefined && { filename: name }) }
  const progress = createProgress(context, 'Uploading', sizeBytes)
  let id: string | undefined
  try {
    await persistently(session, async () => {
      const offset = id === undefined ? undefined : await findOffset(id)
      if (offset === undefined) {
        // It may have arrived just before its answer was lost.
        if (await api.findArtifact(app.id, sha256, kind)) return
        id = await api.beginUpload(app.id, claim)
      }
      await send(id as string, offset ?? 0)
    })
  } finally {
    progress.stop()
  }

  async function findOffset(begun: string): Promise<number | undefined> {
    try {
      return await api.getUploadOffset(app.id, begun)
    } catch (error) {
      if (error instanceof ApiProblem && [404, 410].includes(error.status)) return undefined
      throw error
    }
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
