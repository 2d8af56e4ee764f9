import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { App } from '@hotpatch/api'
import type { ContentUpload } from '../content/content-kind.ts'
import { createProgress } from '../output/progress.ts'
import type { Session } from '../session/session.ts'
import { isThere } from './is-there.ts'
import { persistently } from './retry.ts'
import { sendFiles } from './send-files.ts'
import { sendResumable } from './send-resumable.ts'

const CHUNK_BYTES = 256 * 1024
/** Brings the bytes to the server that it has not: before the release, which is then quickly said, and said again. */
export async function sendContent(session: Session, app: App, uploads: readonly ContentUpload[]): Promise<void> {
  const isAsset = ({ kind }: ContentUpload) => kind === 'asset'
  const assets = uploads.filter(isAsset)
  // Before what lists them: the server takes no list of what it has not.
  if (assets.length > 0) await sendFiles(session, app, assets)
  for (const each of uploads) {
    if (isAsset(each)) continue
    if (each.sizeBytes >= session.context.resumableBytes) {
      await sendResumable(session, app, each)
      continue
    }
    await persistently(session, async () => {
      if (await isThere(session, app, each)) return
      await upload(session, app, each)
    })
  }
}

async function upload({ api, context }: Session, app: App, content: ContentUpload) {
  const { path, sha256, sizeBytes, contentType, kind, name } = content
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
    const as = { kind, ...(name !== undefined && { name }) }
    const stream = ReadableStream.from(Readable.from(body())) as ReadableStream<Uint8Array>
    await api.uploadArtifact(app.id, sha256, { contentType, sizeBytes, body: stream }, as)
  } finally {
    progress.stop()
    file.destroy()
  }
}
