import { formatOfName, type App, type PublishedRelease } from '@hotpatch/api'
import { sha256Of } from './signing.ts'
import type { TestServer } from './test-server.ts'

export interface BinaryToPublish {
  name: string
  bytes: Uint8Array
  architecture?: string
  platform?: string
}

/** Uploads each file, and publishes them as one release. */
export async function publishBinary(
  server: Pick<TestServer, 'request'>,
  app: Pick<App, 'slug'>,
  {
    files,
    ...metadata
  }: { files: readonly BinaryToPublish[]; platform: string; version: string; [more: string]: unknown },
): Promise<PublishedRelease> {
  const content = []
  for (const { name, bytes, architecture = 'x64', platform } of files) {
    const sha256 = sha256Of(bytes)
    const url = `/manage/v1/apps/${app.slug}/artifacts/${sha256}?kind=binary&name=${encodeURIComponent(name)}`
    const headers = { 'content-type': 'application/octet-stream' }
    const { status, body } = await server.request('PUT', url, { body: bytes, headers })
    if (status !== 200) throw new Error(`${name} was not taken: ${JSON.stringify(body)}`)
    const format = formatOfName(name)
    content.push({ name, architecture, format, sha256, sizeBytes: bytes.length, ...(platform && { platform }) })
  }
  const { status, body } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
    body: { metadata: { ...metadata, content: { kind: 'binary', files: content } } },
  })
  if (status !== 201) throw new Error(`The release was not taken: ${JSON.stringify(body)}`)
  return body as PublishedRelease
}
