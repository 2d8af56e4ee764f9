import { expect } from 'vitest'
import { utf8FromText } from '@hotpatch/protocol'
import { chunked } from '../../testing/fake-server.ts'
import { createPatchRows } from '../../testing/patch-rows.ts'
import { patchBetween, patchFromEmbedded } from '../../testing/patches.ts'
import { createPublisher } from '../../testing/publisher.ts'
import {
  describeScenarios,
  install,
  runs,
  syncs,
  type NewScenario,
} from '../../testing/scenarios/describe-scenarios.ts'
import { createNames, type RecordedLife } from '../../testing/scenarios/record-scenario.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const shipped = publisher.publish({ version: '0.9.0', sequence: 9 })
const good = publisher.publish({ version: '1.0.0', sequence: 10 })
const update = publisher.publish({ version: '1.1.0', sequence: 11 })
const mend = publisher.publish({ version: '1.2.0', sequence: 12 })
const patch = await patchBetween(good, update)
const deflated = await patchBetween(good, update, 'hpdelta1-deflate')
const packed = await patchBetween(null, good)
const ofEmbedded = await patchFromEmbedded(shipped, good)
const toAnother = await patchBetween(good, mend)
const device = scenarioDevice([publisher.publicKey])
const unsigned = { config: { ...device.config, publicKeys: [] } }
const once = { limits: { attempts: 1 } }
const embedded = Object.fromEntries([...shipped.files.keys()].map((path) => [path, `shipped/${path}`]))
// The same bytes may have a name already.
const named = createNames()
for (const [path, bytes] of shipped.files) embedded[path] = named.body(bytes, `shipped/${path}`)

async function offered(life: RecordedLife, patches = [patch]): Promise<void> {
  await life.boot()
  await install(life, good)
  life.server.target = { release: update }
  life.server.patches = patches
}

const isPatch = ({ server }: RecordedLife, url: string) => server.patches.some(({ offer }) => offer.url === url)

describeScenarios(
  'patches',
  {
    section: 'Engine §5',
    comment:
      'Updates that come as patches of what runs, of what the binary shipped with, or of nothing; and patches that do not work.',
    device,
    shipped: shipped.files,
    releases: [good, update, mend],
    patches: [patch, deflated, packed, ofEmbedded, toAnother],
  },
  [
    [
      'packed by brotli, with everything that is in the folder and every change of the disk',
      async (life) => {
        await offered(life)
        expect((await life.check()).outcome).toMatchObject({ kind: 'available', expectedBytes: patch.bytes.length })
        expect((await life.download({ files: true, operations: true })).outcome).toMatchObject({ kind: 'staged' })
        await runs(life, '1.1.0')
        await life.confirm({ files: true })
      },
    ],
    [
      'on a host that unpacks no brotli',
      async (life) => {
        await offered(life, [patch, deflated])
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      { brotli: false },
    ],
    [
      'a patch of another packing than was asked for',
      async (life) => {
        await offered(life)
        life.server.tamper = (answer) => ({ ...answer, patch: patch.offer })
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      { brotli: false },
    ],
    [
      'of what ran before',
      async (life) => {
        await life.boot()
        await install(life, good)
        await install(life, update)
        life.server.target = { release: mend }
        life.server.patches = [{ ...toAnother, from: update.releaseId }]
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.2.0')
      },
    ],
    [
      'without keys it makes what the answer says',
      async (life) => {
        await offered(life)
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      unsigned,
    ],
    [
      'is gone on with after a reset',
      async (life) => {
        await offered(life)
        let attempts = 0
        life.server.intercept = ({ url }) => {
          if (!isPatch(life, url)) return undefined
          attempts += 1
          return attempts === 1
            ? { status: 200, headers: { etag: '"a"' }, body: chunked(patch.bytes, 10, 100) }
            : undefined
        }
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
    ],
    ...[patch.bytes, new Uint8Array(patch.bytes.length)].map((bytes, index): NewScenario => [
      `is gone on with by the next process${index ? ', but what was kept is not what it seemed' : ''}`,
      async (life) => {
        await offered(life)
        life.server.intercept = ({ url }) => {
          if (isPatch(life, url)) return { status: 200, headers: { etag: '"a"' }, body: chunked(bytes, 10, 100) }
          return url.endsWith(update.sha256) ? { status: 500 } : undefined
        }
        await syncs(life, { kind: 'failed', code: 'download-failed' })
        life.server.intercept = () => undefined
        await life.boot()
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      once,
    ]),
    [
      'is left where less is missing of the bundle',
      async (life) => {
        await offered(life, [])
        const most = update.bundle.length - 20
        life.server.intercept = ({ url }) =>
          url.endsWith(update.sha256)
            ? { status: 200, headers: { etag: '"a"' }, body: chunked(update.bundle, most, most) }
            : undefined
        await life.sync()
        life.server.intercept = () => undefined
        life.server.patches = [patch]
        await syncs(life, { kind: 'staged' })
      },
      once,
    ],
    [
      'packed, on a device that has nothing',
      async (life) => {
        await life.boot()
        life.server.target = { release: good }
        life.server.patches = [packed]
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.0.0')
      },
    ],
    [
      'of what the binary shipped with, which is hashed once',
      async (life) => {
        await life.boot()
        life.server.target = { release: good }
        life.server.patches = [ofEmbedded]
        expect((await life.check({ json: ['ota/embedded.json'] })).outcome).toMatchObject({ kind: 'available' })
        await life.check({ operations: true })
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.0.0')
      },
      { embedded },
    ],
    [
      'a note of what the binary shipped with that says something else is found out, and made anew',
      async (life) => {
        await life.boot()
        life.server.target = { release: good }
        life.server.patches = [ofEmbedded]
        await life.check()
        await life.do({
          do: 'embedded',
          shipped: { ...embedded, 'assets/fonts/same.txt': life.body(utf8FromText('the same in no version!!')) },
        })
        await life.boot()
        await life.sync({ json: ['ota/embedded.json'] })
        await runs(life, '1.0.0')
      },
      { embedded },
    ],
    ...(['{', '{"tree":7}', '[]'] as const).map((note): NewScenario => [
      `a note of it that says ${note} is made anew`,
      async (life) => {
        await life.boot()
        await life.do({ do: 'write', path: 'ota/embedded.json', body: life.body(utf8FromText(note)) })
        await life.check({ json: ['ota/embedded.json'] })
      },
      { embedded },
    ]),
    [
      'another binary: the note is made anew',
      async (life) => {
        await life.boot()
        await life.check()
        await life.do({ do: 'host', change: { nativeBuild: '8' } })
        await life.boot()
        await life.check({ json: ['ota/embedded.json'] })
      },
      { embedded },
    ],
    [
      'a binary whose files have paths that no release may have tells nothing',
      async (life) => {
        await life.boot()
        await life.check({ json: ['ota/embedded.json'] })
      },
      { embedded: { 'a.txt': 'shipped/index.bundle', 'A.txt': 'shipped/index.bundle' } },
    ],
    ...createPatchRows(patch, { good, update, toAnother }).map((row): NewScenario => [
      `a patch that ${row.name}: the bundle follows, once`,
      async (life) => {
        await offered(life)
        row.attack(life.server)
        const { damage } = row
        if (damage) await life.do({ do: 'write', path: damage.path, body: life.body(damage.bytes) })
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      row.unsigned ? unsigned : {},
    ]),
    [
      'what failed once is not tried again, by no process',
      async (life) => {
        await offered(life)
        life.server.intercept = ({ url }) => (url.includes('/artifacts/') ? { status: 404 } : undefined)
        await life.sync({ json: ['ota/metadata.json'] })
        life.server.intercept = () => undefined
        await life.boot()
        expect((await life.check()).outcome).toMatchObject({ kind: 'available', expectedBytes: null })
        await syncs(life, { kind: 'staged' })
      },
      once,
    ],
    [
      'a release whose statement names no tree comes as its bundle',
      async (life) => {
        await offered(life)
        const statement = { content: { kind: 'archive' as const } }
        life.server.target = { release: publisher.publish({ version: '1.1.0', sequence: 11, statement }) }
        await syncs(life, { kind: 'staged' })
      },
    ],
  ],
)
