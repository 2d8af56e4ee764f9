import { readFileSync } from 'node:fs'
import { noise, writeZip } from '@hotpatch/testkit/archives'
import { describeContentKind } from '../testing/content-kind-suite.ts'
import { binaryKind } from './binary-kind.ts'

const good = readFileSync(new URL('../../../../../../examples/binaries/hello-1.1.0.apk', import.meta.url))

describeContentKind(binaryKind, {
  name: 'hello-1.1.0.apk',
  good,
  contentOf: ({ sha256, sizeBytes }) => ({
    kind: 'binary',
    files: [{ name: 'hello-1.1.0.apk', architecture: 'any', format: 'apk', sha256, sizeBytes }],
  }),
  fileExtension: 'apk',
  listed: null,
  hostile: [
    { comment: 'nothing', bytes: Buffer.alloc(0) },
    { comment: 'a page', bytes: Buffer.from('<p>hello</p>') },
    { comment: 'a program', bytes: Buffer.concat([Buffer.from('MZ'), noise(1_000)]) },
    { comment: 'a zip that is no app', bytes: writeZip([{ name: 'a.txt', content: 'a' }]) },
    { comment: 'a zip with something behind it', bytes: Buffer.concat([good, noise(100_000)]) },
  ],
  tooMuch: [],
  fits: [{ platform: 'android' }],
  unfit: [
    { platform: 'ios', content: { files: [{ ...fileNamed('shop.apk'), platform: 'android' }] } },
    { platform: 'any', content: { files: [fileNamed('shop.apk'), fileNamed('shop.apk')] } },
    { platform: 'android', content: { files: [fileNamed('../shop.apk')] } },
    { platform: 'android', content: { files: [fileNamed('.apk')] } },
    { platform: 'android', content: { files: [fileNamed('one.apk'), fileNamed('two.apk')] } },
    { platform: 'android', content: { files: [fileNamed('shop\u202Exe.apk')] } },
    { platform: 'android', content: { files: [{ ...fileNamed('a.apk'), url: 'https://[/a.apk' }] } },
    { platform: 'android', content: { files: [{ ...fileNamed('a.apk'), url: 'https://a:b@a.test/a.apk' }] } },
    { platform: 'android', content: { files: [{ ...fileNamed('a.apk'), url: 'https://a.test/ö.apk' }] } },
  ],
})

/** Elsewhere: so it need not be here to be refused. */
function fileNamed(name: string) {
  return {
    name,
    architecture: 'any',
    format: 'apk' as const,
    sha256: 'c'.repeat(64),
    sizeBytes: 10,
    url: `https://downloads.test/${encodeURIComponent(name)}`,
  }
}
