import { MAX_BATCH_FILES, type App, type PublishedRelease } from '@hotpatch/api'
import { writeFilesManifest, type ManifestFile } from '@hotpatch/protocol'
import { sha256Of } from './signing.ts'
import type { TestServer } from './test-server.ts'

/** By path. */
export type FilesByPath = Readonly<Record<string, string | Uint8Array>>

/** What lists them, as it is uploaded. */
export function filesManifestOf(
  files: FilesByPath,
  { launch, types = {} }: { launch?: string | undefined; types?: Readonly<Record<string, string>> } = {},
): Buffer {
  const listed = Object.entries(files).map(([path, content]): ManifestFile => {
    const bytes = Buffer.from(content)
    const contentType = types[path]
    return { path, sha256: sha256Of(bytes), sizeBytes: bytes.length, ...(contentType !== undefined && { contentType }) }
  })
  return Buffer.from(writeFilesManifest({ ...(launch !== undefined && { launch }), files: listed }))
}

/** A form with each file under its digest. */
export function batchOf(files: readonly Uint8Array[]): FormData {
  const form = new FormData()
  for (const bytes of files) form.append(sha256Of(bytes), new Blob([Buffer.from(bytes)]), 'file')
  return form
}

export interface UploadedFiles {
  launch?: string
  types?: Readonly<Record<string, string>>
}

/** Each file, and then what lists them: as a release names it. */
export async function uploadFiles(
  server: Pick<TestServer, 'request'>,
  app: Pick<App, 'slug'>,
  files: FilesByPath,
  { launch, types = {} }: UploadedFiles = {},
) {
  const artifacts = `/manage/v1/apps/${app.slug}/artifacts`
  const contents = Object.values(files).map((content) => Buffer.from(content))
  for (let from = 0; from < contents.length; from += MAX_BATCH_FILES) {
    const form = batchOf(contents.slice(from, from + MAX_BATCH_FILES))
    const sent = await server.request('POST', `${artifacts}/batch`, { form })
    if (sent.status !== 200) throw new Error(`The files were not taken: ${JSON.stringify(sent.body)}`)
  }
  const manifest = filesManifestOf(files, { launch, types })
  const sha256 = sha256Of(manifest)
  const listed = await server.request('PUT', `${artifacts}/${sha256}?kind=files`, {
    body: manifest,
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (listed.status !== 200) throw new Error(`The list was not taken: ${JSON.stringify(listed.body)}`)
  return { kind: 'files', sha256, sizeBytes: manifest.length }
}

/** Uploads them, and publishes that. */
export async function publishFiles(
  server: Pick<TestServer, 'request'>,
  app: Pick<App, 'slug'>,
  {
    files,
    launch,
    types,
    ...metadata
  }: UploadedFiles & { files: FilesByPath; platform: string; version: string; [more: string]: unknown },
): Promise<PublishedRelease> {
  const options = { ...(launch !== undefined && { launch }), ...(types && { types }) }
  const content = await uploadFiles(server, app, files, options)
  const { status, body } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
    body: { metadata: { ...metadata, content } },
  })
  if (status !== 201) throw new Error(`The release was not taken: ${JSON.stringify(body)}`)
  return body as PublishedRelease
}
