import { archiveCases, CASE_LIMITS, noise, writeZip } from '@hotpatch/testkit/archives'
import { describeContentKind } from '../testing/content-kind-suite.ts'
import { archiveKind } from './archive-kind.ts'

const page = { name: 'index.html', content: '<p>hello</p>' }
const good = writeZip([page, { name: 'main.jsbundle', content: noise(2_000) }, { name: 'assets/a.txt', content: 'a' }])

describeContentKind(archiveKind, {
  good,
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
  fits: [{ platform: 'ios' }, { platform: 'web' }, { platform: 'android', entry: 'main.jsbundle' }],
  unfit: [
    { platform: 'ios', entry: 'index.bundle' },
    { platform: 'web', entry: 'a.txt' },
    { platform: 'any', entry: 'assets' },
  ],
})
