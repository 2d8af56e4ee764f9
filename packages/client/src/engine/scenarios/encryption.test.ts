import { expect } from 'vitest'
import {
  encryptFor,
  encryptPatch,
  namedBytes,
  newTestKey,
  publishEncrypted,
  type Encrypt,
} from '../../testing/encryption.ts'
import { chunked, serveRange } from '../../testing/fake-server.ts'
import { patchBetween } from '../../testing/patches.ts'
import { createPublisher } from '../../testing/publisher.ts'
import {
  describeScenarios,
  install,
  runs,
  syncs,
  type NewScenario,
} from '../../testing/scenarios/describe-scenarios.ts'
import { scenarioDevice } from '../../testing/scenarios/test-device.ts'

const publisher = createPublisher('archive', 'publisher')
const [key, next, foreign] = (await Promise.all(['key', 'next', 'foreign'].map((name) => newTestKey(name)))) as [
  Key,
  Key,
  Key,
]
type Key = Awaited<ReturnType<typeof newTestKey>>
const seal = (name: string, keys: readonly Key[] = [key], change?: (file: Buffer) => Uint8Array) =>
  encryptFor(keys, change, namedBytes(name))
const publish = (version: string, sequence: number, encrypt: Encrypt) =>
  publishEncrypted(publisher, { version, sequence }, encrypt)

const good = await publish('1.0.0', 10, seal('good'))
const update = await publish('1.1.0', 11, seal('update'))
const plain = publisher.publish({ version: '1.3.0', sequence: 13 })
const made = await patchBetween(good, update)
const patch = await encryptPatch(made, { base: good, target: update, encrypt: seal('patch') })
const foreignPatch = await encryptPatch(made, { base: good, target: update, encrypt: seal('foreign patch', [foreign]) })
const device = scenarioDevice([publisher.publicKey])
const withKeys = (...keys: Key[]) => ({
  config: { ...device.config, decryptionKeys: keys.map(({ configured }) => configured) },
})

const flipped = (at: (file: Buffer) => number) => (file: Buffer) => {
  const copy = Buffer.from(file)
  const index = at(copy)
  copy[index] = (copy[index] ?? 0) ^ 1
  return copy
}
const lie =
  (facts: object): Encrypt =>
  (bytes, told) =>
    seal('lie')(bytes, { ...told, ...facts })

const refused = (what: string, tamper: (answer: Record<string, unknown>) => unknown, code: string): NewScenario => [
  `${what}: refused before a byte is fetched`,
  async (life) => {
    await life.boot()
    life.server.target = { release: update }
    life.server.tamper = tamper
    expect((await life.sync()).outcome).toMatchObject({ kind: 'failed', code })
  },
]
const otherwise = (changes: object) => (answer: Record<string, unknown>) => ({
  ...answer,
  encryption: { ...(answer.encryption as object), ...changes },
})

const broken = await Promise.all(
  (
    [
      [
        'a damaged chunk',
        seal(
          '1',
          [key],
          flipped((file) => file.length - 20),
        ),
      ],
      [
        'a damaged header',
        seal(
          '2',
          [key],
          flipped(() => 40),
        ),
      ],
      [
        'a version that is not known',
        seal(
          '3',
          [key],
          flipped(() => 7),
        ),
      ],
      ['a zip', seal('4', [key], () => Buffer.from(update.bundle))],
      ['a cut file', seal('5', [key], (file) => file.subarray(0, -1))],
      ['something behind it', seal('6', [key], (file) => Buffer.concat([file, Buffer.alloc(9)]))],
      ['a patch', lie({ purpose: 'patch', patch: { format: 'hpdelta1-br', baseTree: '0'.repeat(64) } })],
      ['another tree', lie({ tree: '0'.repeat(64) })],
      ['something else inside', lie({ sha256: '0'.repeat(64) })],
      [
        'a key that is not among those that the answer names',
        async (bytes, facts) => {
          const sealed = await seal('7', [foreign])(bytes, facts)
          return { ...sealed, offer: { ...sealed.offer, keyIds: [key.keyId] } }
        },
      ],
    ] as [string, Encrypt][]
  ).map(async ([what, encrypt]) => ({ what, release: await publish('1.1.0', 11, encrypt) })),
)

describeScenarios(
  'encryption',
  {
    section: 'Encryption §5',
    comment:
      'Releases that are encrypted for the keys of some binaries. TEST KEYS ONLY: anybody can open what is encrypted for them.',
    device: { ...device, ...withKeys(key) },
    releases: [good, update, plain],
    patches: [patch, foreignPatch],
  },
  [
    [
      'is opened, held against what was signed, and runs; nothing of it is left over',
      async (life) => {
        await life.boot()
        life.server.target = { release: good }
        await life.check()
        await life.download({ files: true, operations: true })
        await runs(life, '1.0.0')
        await life.confirm()
      },
    ],
    [
      'with whichever of its keys a binary opens it',
      async (life) => {
        await life.boot()
        await install(life, update)
      },
      withKeys(foreign, key, next),
    ],
    [
      'without signatures, too',
      async (life) => {
        await life.boot()
        await install(life, update)
      },
      { config: { ...withKeys(key).config, publicKeys: [] } },
    ],
    [
      'goes on where its download was cut, in another process',
      async (life) => {
        const { bytes } = update.encrypted as NonNullable<typeof update.encrypted>
        life.server.target = { release: update }
        life.server.intercept = (request) =>
          request.method === 'GET' ? { ...serveRange(bytes, request), body: chunked(bytes, 150, 300) } : undefined
        await life.boot()
        await syncs(life, { kind: 'failed', code: 'download-failed' })
        life.server.intercept = () => undefined
        await life.boot()
        await syncs(life, { kind: 'staged' })
        await runs(life, '1.1.0')
      },
      { limits: { attempts: 1 } },
    ],
    ...[patch, foreignPatch].map((offered): NewScenario => [
      offered === patch ? 'as an encrypted patch of what runs' : 'whole, where its patch does not open',
      async (life) => {
        await life.boot()
        await install(life, good)
        life.server.target = { release: update }
        life.server.patches = [offered]
        await life.sync({ files: true })
        await runs(life, '1.1.0')
      },
    ]),
    ...[[foreign], []].map((keys): NewScenario => [
      `for another key than the ${keys.length} of this binary: refused before a byte is fetched, told once`,
      async (life) => {
        await life.boot()
        life.server.target = { release: update }
        await syncs(life, { kind: 'failed', code: 'decryption-key-missing' })
        await syncs(life, { kind: 'failed', code: 'decryption-key-missing' })
        await life.do({ do: 'config', change: withKeys(key).config })
        await life.boot()
        await syncs(life, { kind: 'staged' })
      },
      withKeys(...keys),
    ]),
    [
      'on a host that opens nothing',
      async (life) => {
        await life.boot()
        life.server.target = { release: update }
        expect((await life.sync()).outcome).toMatchObject({ kind: 'failed' })
      },
      { encryption: false },
    ],
    refused('an algorithm that is not known', otherwise({ algorithm: 'hotpatch-v2' }), 'encryption-unknown'),
    refused(
      'another encrypted file than the statement has',
      otherwise({ sha256: '0'.repeat(64) }),
      'statement-invalid',
    ),
    refused('another size of it', otherwise({ sizeBytes: 1 }), 'statement-invalid'),
    refused(
      'an answer that says nothing of encryption',
      (answer) => ({ ...answer, encryption: undefined }),
      'statement-invalid',
    ),
    refused(
      'an encryption without its file',
      (answer) => ({ ...answer, encryption: { algorithm: 'hotpatch-v1' } }),
      'answer-invalid',
    ),
    refused('an encryption that is a word', (answer) => ({ ...answer, encryption: 'yes' }), 'answer-invalid'),
    refused(
      'more keys than there may be',
      otherwise({ keyIds: Array.from({ length: 100 }, () => key.keyId) }),
      'answer-invalid',
    ),
    [
      'a release that is not encrypted, and an answer that says so',
      async (life) => {
        await life.boot()
        life.server.target = { release: plain }
        life.server.tamper = (answer) => ({ ...answer, encryption: update.encrypted?.offer })
        await syncs(life, { kind: 'failed', code: 'statement-invalid' })
      },
    ],
    ...broken.map(({ what, release }): NewScenario => [
      `${what}, signed all the same: told once, and never tried again`,
      async (life) => {
        await life.boot()
        life.server.target = { release }
        await life.sync({ files: true })
        await life.boot()
        await syncs(life, { kind: 'up-to-date', reason: 'failed-on-this-device' })
      },
    ]),
  ],
)
