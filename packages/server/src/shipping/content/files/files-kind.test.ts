import { createHash } from 'node:crypto'
import { writeFilesManifest, type ManifestFile } from '@hotpatch/protocol'
import { noise } from '@hotpatch/testkit/archives'
import { describeContentKind } from '../testing/content-kind-suite.ts'
import { filesKind } from './files-kind.ts'

const files: Record<string, Buffer> = {
  'main.js': Buffer.from('start()'),
  'assets/logo.png': noise(300),
  'assets/same.png': noise(300),
  empty: Buffer.alloc(0),
}
const changed = { ...files, 'main.js': Buffer.from('startAnew()') }

const sha256Of = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

function manifestOf(listed: Record<string, Buffer>, launch?: string, changes: Partial<ManifestFile> = {}): Buffer {
  const text = writeFilesManifest({
    ...(launch !== undefined && { launch }),
    files: Object.entries(listed).map(([path, bytes]) => ({
      path,
      sha256: sha256Of(bytes),
      sizeBytes: bytes.length,
      ...changes,
    })),
  })
  return Buffer.from(text)
}

const good = manifestOf(files, 'main.js')

describeContentKind(filesKind, {
  good,
  before: [...Object.values(files), changed['main.js'] ?? Buffer.alloc(0)],
  contentOf: ({ sha256, sizeBytes }) => ({ kind: 'files', sha256, sizeBytes }),
  fileExtension: 'json',
  listed: { bytes: good, files, next: manifestOf(changed, 'main.js'), changed: 'main.js' },
  hostile: [
    { comment: 'nothing', bytes: Buffer.alloc(0) },
    { comment: 'no JSON', bytes: Buffer.from('files') },
    { comment: 'no file', bytes: Buffer.from('{"type":"hotpatch.files.v1","files":[]}') },
    { comment: 'a file that nobody has sent', bytes: manifestOf({ ...files, 'more.js': Buffer.from('more') }) },
    {
      comment: 'a file of another size',
      bytes: manifestOf({ a: Buffer.from('start()') }, undefined, { sizeBytes: 8 }),
    },
    { comment: 'a path that leads elsewhere', bytes: manifestOf({ '../main.js': Buffer.from('start()') }) },
    { comment: 'two paths that are one somewhere', bytes: manifestOf({ 'A.js': noise(300), 'a.js': noise(300) }) },
    {
      comment: 'two paths that differ in half a character',
      bytes: manifestOf({ 'a\ud800': noise(300), 'a\ud801': noise(300) }),
    },
    { comment: 'a start that is none of the files', bytes: manifestOf(files, 'other.js') },
    {
      comment: 'a type that begins another header',
      bytes: manifestOf(files, undefined, { contentType: 'a/b\r\nx: y' }),
    },
  ],
  tooMuch: [
    { comment: 'more files', bytes: good, limits: { maxFiles: 3 } },
    { comment: 'more bytes in all', bytes: good, limits: { maxUnpackedBytes: 600 } },
  ],
  fits: [{ platform: 'android' }, { platform: 'web' }, { platform: 'any' }],
  unfit: [],
})
