import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { text } from 'node:stream/consumers'
import type { RunningServer } from './sandbox.ts'

const BOUNDARY = 'hotpatch-bench-8f3a1c'
const APP = 'bench'
const READ_BYTES = 1024 * 1024

export interface Publisher {
  /** Uploads a file of a whole app by tus (Content §5.5), in one piece. @throws unless it is taken */
  uploadResumably(path: string, sha256: string): Promise<void>
  /** Publishes the file as a new version; resolves to the time that it took, in seconds. @throws unless `status` comes */
  publish(path: string, status?: number): Promise<number>
}

/** An app on a server that is new, to publish to. */
export async function createPublisher(server: RunningServer, dataDirectory: string): Promise<Publisher> {
  const token = (await readFile(join(dataDirectory, 'owner-token'), 'utf8')).trim()
  const authorization = `Bearer ${token}`
  const created = await fetch(`${server.url}/manage/v1/apps`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ slug: APP, platforms: ['android'] }),
  })
  if (!created.ok) throw new Error(`The app could not be created: ${await created.text()}`)
  let count = 0

  async function publish(path: string, status = 201): Promise<number> {
    const metadata = JSON.stringify({ platform: 'android', version: `1.0.${++count}` })
    const head = Buffer.from(
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="metadata"\r\n\r\n${metadata}\r\n` +
        `--${BOUNDARY}\r\ncontent-disposition: form-data; name="bundle"; filename="bundle.zip"\r\n` +
        'content-type: application/zip\r\n\r\n',
    )
    const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
    const { size } = await stat(path)
    const startedAt = performance.now()
    const upload = request(`${server.url}/manage/v1/apps/${APP}/releases`, {
      method: 'POST',
      headers: {
        authorization,
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
        'content-length': head.length + size + tail.length,
      },
    })
    const answered = once(upload, 'response') as Promise<[IncomingMessage]>
    upload.write(head)
    const sent = pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), upload, { end: false }).then(() =>
      upload.end(tail),
    )
    const [[response]] = await Promise.all([answered, sent])
    const body = await text(response)
    const seconds = (performance.now() - startedAt) / 1000
    if (response.statusCode !== status) {
      throw new Error(`Expected the upload to be answered with ${status}, received ${response.statusCode}: ${body}`)
    }
    return seconds
  }

  async function uploadResumably(path: string, sha256: string): Promise<void> {
    const { size } = await stat(path)
    const headers = { authorization, 'tus-resumable': '1.0.0' }
    const told = { sha256, kind: 'binary', filename: basename(path) }
    const metadata = Object.entries(told).map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    const begun = await fetch(`${server.url}/manage/v1/apps/${APP}/uploads`, {
      method: 'POST',
      headers: { ...headers, 'upload-length': String(size), 'upload-metadata': metadata.join() },
    })
    const location = begun.headers.get('location')
    if (location === null) throw new Error(`The upload could not be begun: ${await begun.text()}`)
    const upload = request(new URL(new URL(location, server.url).pathname, server.url), {
      method: 'PATCH',
      headers: {
        ...headers,
        'content-type': 'application/offset+octet-stream',
        'content-length': size,
        'upload-offset': '0',
      },
    })
    const answered = once(upload, 'response') as Promise<[IncomingMessage]>
    const sent = pipeline(createReadStream(path, { highWaterMark: READ_BYTES }), upload)
    const [[response]] = await Promise.all([answered, sent])
    const body = await text(response)
    if (response.statusCode !== 204)
      throw new Error(`Expected 204 for an upload, received ${response.statusCode}: ${body}`)
  }

  return { publish, uploadResumably }
}
