import { randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContentService } from '../../packages/server/src/shipping/content/content-service.ts'
import type { FileUploads } from '../../packages/server/src/shipping/content/files/file-uploads.ts'
import { createResumableUploads } from '../../packages/server/src/shipping/content/resumable/resumable-uploads.ts'
import { Broken, type Target } from '../engine/target.ts'
import { isReaderRefusal } from '../reading/refusals.ts'
import { textOf } from '../reading/texts.ts'

const APP = '019b2b80-0000-7000-8000-000000000000'
const METHODS = ['POST', 'PATCH', 'HEAD', 'DELETE', 'OPTIONS'] as const
const MAX_BYTES = 1_000
const DIRECTORY = join(tmpdir(), `hotpatch-fuzz-${randomUUID()}`)
const BEGUN = `upload-length: 4\nupload-metadata: sha256 ${btoa('a'.repeat(64))},kind ${btoa('archive')}`

// What has arrived whole is somebody else's to read.
const contents = { limits: { maxBytes: MAX_BYTES }, maxUploadBytes: () => MAX_BYTES, upload: () => Promise.resolve() }
const files = { upload: () => Promise.resolve() }
let uploads: ReturnType<typeof createResumableUploads> | undefined

/** On the disk that they are for. */
function open() {
  return createResumableUploads({
    directory: DIRECTORY,
    contents: contents as unknown as ContentService,
    files: files as unknown as FileUploads,
    maxUploads: 10,
    expireMs: 1_000,
    clock: { now: () => 1_800_000_000_000 },
    newId: () => '019b2b80-0000-7000-8000-000000000001',
  })
}

/** A line for each header, and behind an empty line the body. Undefined for what no request can have. */
function requestOf(method: string, text: string): Request | undefined {
  const [head = '', ...body] = text.split('\n\n')
  try {
    const headers = new Headers({ 'tus-resumable': '1.0.0' })
    for (const line of head.split('\n')) {
      const [name = '', ...value] = line.split(': ')
      headers.set(name, value.join(': '))
    }
    const sent = method === 'POST' || method === 'PATCH' ? { body: body.join('\n\n') } : {}
    return new Request('http://localhost/uploads', { method, headers, ...sent })
  } catch {
    return undefined
  }
}

export const target: Target = {
  reads: 'headers of uploads that go on where they broke off (tus)',
  maxBytes: 600,
  words: [
    'upload-metadata: ',
    'upload-length: ',
    'upload-offset: ',
    'upload-defer-length: 1',
    'upload-concat: partial',
  ],
  async read(input) {
    uploads ??= open()
    const [first = 0] = input
    const request = requestOf(METHODS[first % METHODS.length] ?? 'POST', textOf(input.subarray(1)))
    if (!request) return
    const known = `${APP}~019b2b80-0000-7000-8000-000000000001`
    const isNew = request.method === 'POST'
    try {
      const begun = isNew ? undefined : requestOf('POST', BEGUN)
      if (begun) await uploads.handle(begun, APP, undefined)
      const { status } = await uploads.handle(request, APP, isNew ? undefined : known)
      if (status >= 400) throw new Broken('a refusal that is no problem')
    } finally {
      rmSync(DIRECTORY, { recursive: true, force: true })
    }
  },
  refuses: isReaderRefusal,
}

export function seeds() {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const metadata = `sha256 ${base64('a'.repeat(64))},kind ${base64('archive')}`
  const requests = [
    `0upload-length: 100\nupload-metadata: ${metadata}`,
    `0upload-length: 4\nupload-metadata: ${metadata},filename ${base64('a.dmg')}\ncontent-type: application/offset+octet-stream\n\nabcd`,
    '1upload-offset: 0\ncontent-type: application/offset+octet-stream\n\nabcd',
    '2x: y',
    '3x: y',
    '0upload-defer-length: 1\nupload-concat: final;/a /b',
  ]
  return requests.map((text) => Buffer.concat([Buffer.of(Number(text[0])), Buffer.from(text.slice(1))]))
}
