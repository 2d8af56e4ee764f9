import { writeKitContent } from '@hotpatch/protocol'
import { kitContentOf, sha256Of, type TestComponents } from '@hotpatch/testkit'
import { describeContentKind } from '../testing/content-kind-suite.ts'
import { kitKind } from './kit-kind.ts'

const RELEASE = { releaseId: '2026.06.02', minInstallerVersion: '1.4' }

const components: TestComponents = {
  web: { bytes: '<p>web</p>', version: '1.2.0' },
  gateway: {
    bytes: 'gateway',
    version: '0.9.1',
    probe: { type: 'service', attempts: 3, intervalMs: 10, timeoutMs: 10 },
  },
  accounts: { kind: 'repair', version: '1', repairs: [{ target: 'settings', set: { OAUTH_BASE_URL: 'https://x' } }] },
}

const goodContent = kitContentOf(components, RELEASE)
const good = Buffer.from(writeKitContent(goodContent))

interface Json {
  [name: string]: Json & (string | number)
}

/** The same, with something else in it. */
function changed(change: (kit: Json) => void): Buffer {
  const kit = JSON.parse(good.toString()) as Json
  change(kit)
  return Buffer.from(JSON.stringify(kit))
}

const file = (sha256: string, architecture: string, size_bytes = 7) => ({
  platform: 'linux',
  architecture,
  format: 'raw',
  artifact_digest: `sha256:${sha256}`,
  size_bytes,
})

/** As many components as a kit may have, each with as many files: more than a manifest has room for. */
const FULL = changed((kit) => {
  const files = Array.from({ length: 20 }, (_, index) => file(sha256Of(Buffer.from('gateway')), `a${index}`))
  const each = { version: '1', kind: 'binary', order: 1, files }
  kit.components = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`c${index}`, each])) as never
})

describeContentKind(kitKind, {
  good,
  before: [Buffer.from('<p>web</p>'), Buffer.from('gateway')],
  contentOf: ({ sha256, sizeBytes }) => ({ kind: 'kit', sha256, sizeBytes }),
  stated: { platform: 'any', version: RELEASE.releaseId, requirement: { minNativeVersion: '1.4' } },
  fileExtension: 'json',
  listed: null,
  hostile: [
    { comment: 'nothing', bytes: Buffer.alloc(0) },
    { comment: 'no JSON', bytes: Buffer.from('kit') },
    { comment: 'no text', bytes: Buffer.concat([good.subarray(0, -2), Buffer.from([0xff]), good.subarray(-2)]) },
    { comment: 'of a later form', bytes: changed((kit) => void (kit.schema_version = 2 as never)) },
    { comment: 'no component', bytes: changed((kit) => void (kit.components = {} as never)) },
    { comment: 'a statement', bytes: changed((kit) => void (kit.sequence = 7 as never)) },
    {
      comment: 'a file that nobody has sent',
      bytes: changed(({ components }) => {
        Object.assign(components?.gateway ?? {}, { files: [file('f'.repeat(64), 'x64')], artifact_digest: undefined })
      }),
    },
    {
      comment: 'a file of another size',
      bytes: changed(({ components }) => {
        Object.assign(components?.gateway?.files?.[0] ?? {}, { size_bytes: 8 })
      }),
    },
    {
      comment: 'a file of two sizes',
      bytes: changed(({ components }) => {
        const sha256 = sha256Of(Buffer.from('gateway'))
        const files = [file(sha256, 'x64', 7), file(sha256, 'arm64', 8)]
        Object.assign(components?.gateway ?? {}, { files, artifact_digest: undefined })
      }),
    },
    {
      comment: 'two files for one machine',
      bytes: changed(({ components }) => {
        const sha256 = sha256Of(Buffer.from('gateway'))
        Object.assign(components?.gateway ?? {}, { files: [file(sha256, 'x64'), file(sha256, 'x64')] })
      }),
    },
    { comment: 'a path in the place of an id', bytes: Buffer.from(good.toString().replace('"web"', '"../web"')) },
    { comment: 'more than a manifest may be long', bytes: FULL },
    { comment: 'deep', bytes: Buffer.from(`{"schema_version":1,"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) },
  ],
  tooMuch: [{ comment: 'more files', bytes: good, limits: { maxFiles: 1 } }],
  fits: [{}],
  unfit: [{ platform: 'linux' }, { version: '2026.06.03' }],
})
