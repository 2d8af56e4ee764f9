import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { App } from '@hotpatch/api'
import type { ZippedBundle } from './zip-bundle.ts'
import { createProgress } from '../../output/progress.ts'
import type { Session } from '../../session/session.ts'
import { persistently } from '../../upload/retry.ts'

const CHUNK_BYTES = 256 * 1024

/** Brings the bytes to the server, unless it has them: before the release, which is then quickly said, and said again. */
export async function sendBundle(session: Session, app: App, zip: ZippedBundle): Promise<void> {
  await persistently(session, async () => {
    if (await session.api.findArtifact(app.id, zip.sha256)) return
    await upload(session, app, zip)
  })
}

async function upload({ api, context }: Session, app: App, { path, sha256, sizeBytes }: ZippedBundle) {
  const progress = createProgress(context, 'Uploading', sizeBytes)
  const file = createReadStream(path, { highWaterMark: CHUNK_BYTES })
  async function* body() {
    let sentBytes = 0
    for await (const chunk of file) {
      yield chunk as Uint8Array
      progress.advanceTo((sentBytes += (chunk as Uint8Array).length))
    }
  }
  try {
    const stream = ReadableStream.from(Readable.from(body())) as ReadableStream<Uint8Array>
    await api.uploadArtifact(app.id, sha256, { contentType: 'application/zip', sizeBytes, body: stream })
  } finally {
    progress.stop()
    file.destroy()
  }
}
