import { archiveCases, CASE_LIMITS, noise, writeZip } from '@hotpatch/testkit/archives'
import { describeContentKind } from '../testing/content-kind-suite.ts'
import { archiveKind } from './archive-kind.ts'

const page = { name: 'index.html', content: '<p>hello</p>' }
const good = writeZip([page, { name: 'main.jsbundle', content: noise(2_000) }, { name: 'assets/a.txt', content: 'a' }])

const script = noise(100_000)
const web = {
  'index.html': Buffer.from('<p>hello</p>'),
  'assets/app.js': script,
  'assets/copy.js': script,
  'assets/empty.css': Buffer.alloc(0),
  'assets/text.txt': Buffer.from('word '.repeat(60_000)),
  // The name that the archive itself has in the release.
  'bundle.zip': Buffer.from('no zip'),
}
const zipOf = (files: Readonly<Record<string, Buffer>>) =>
  writeZip(Object.entries(files).map(([name, content]) => ({ name, content })))

describeContentKind(archiveKind, {
  good,
  contentOf: ({ sha256, sizeBytes }) => ({ kind: 'archive', sha256, sizeBytes }),
  fileExtension: 'zip',
  listed: {
    bytes: zipOf(web),
    files: web,
    next: zipOf({ ...web, 'index.html': Buffer.from('<p>2</p>') }),
    changed: 'index.html',
  },
  hostile: archiveCases
    .filter(({ rule }) => rule !== null)
    .map(({ comment, rule, zip, limits }) => ({
      comment: `${comment} (${rule})`,
      bytes: zip,
      limits: { ...CASE_LIMITS, ...limits },
    })),
  tooMuch: [
    { comment: 'too many files', bytes: good, limits: { maxFiles: 2 } },
    { comment: 'too much when it is unpacked', bytes: good, limits: { maxUnpackedBytes: 2_000 } },
    { comment: 'too long a path', bytes: good, limits: { maxPathBytes: 12 } },
  ],
  fits: [{ platform: 'ios' }, { platform: 'web' }, { platform: 'android', content: { entry: 'main.jsbundle' } }],
  unfit: [
    { platform: 'ios', content: { entry: 'index.bundle' } },
    { platform: 'web', content: { entry: 'a.txt' } },
    { platform: 'any', content: { entry: 'assets' } },
  ],
})
