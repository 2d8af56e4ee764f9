import { describe, expect, test } from 'vitest'
import { UnexpectedJsonError, type NewReleaseStatement } from '@hotpatch/protocol'
import { judgeEmbeddedOrder, judgeOffer, type JudgementContext } from '../../download/judge-offer.ts'
import { bytesFromBase64 } from '../../ground/bytes.ts'
import { UpdateError } from '../../ground/update-error.ts'
import { createNodeCrypto } from '../../node/node-crypto.ts'
import { reactNativeContract } from '../../server/react-native-contract.ts'
import { SERVER } from '../../testing/fake-server.ts'
import { APP_ID, createPublisher, type NewRelease, type PublishedRelease } from '../../testing/publisher.ts'
import { holdVectors } from '../../testing/scenarios/hold-vectors.ts'

const publisher = createPublisher('archive', 'publisher')
const stranger = createPublisher('archive', 'stranger')
const spare = createPublisher('archive', 'spare')
const files = { 'index.bundle': '1' }
const release = (change: Partial<NewRelease> = {}) =>
  publisher.publish({ version: '1.1.0', sequence: 11, files, ...change })
const stated = (statement: Partial<NewReleaseStatement>) => release({ statement })

/** As the server of the React Native contract offers it. */
function offerOf({ releaseId, version, sha256, bundle, signature, statement, statementSignature }: PublishedRelease) {
  const about = { releaseId, version, hash: sha256, sizeBytes: bundle.length, mandatory: false }
  const bundleUrl = `${SERVER}/artifacts/${sha256}`
  return { updateAvailable: true, bundleUrl, ...about, signature, statement, statementSignature }
}

const backToEmbedded = (signed: object = {}) => ({
  updateAvailable: false,
  rollBackTo: 'embedded',
  mandatory: false,
  reason: 'halted',
  ...signed,
})

interface Told {
  publicKeys: string[]
  host: { nativeVersion: string; platform: string; runtimeVersion?: string; osVersion?: string; architecture?: string }
  builtAt: number | null
  state: { highWater: number; floor: number }
}

const USUAL: Told = {
  publicKeys: [publisher.publicKey],
  host: { nativeVersion: '1.0', platform: 'android' },
  builtAt: null,
  state: { highWater: 10, floor: 8 },
}

type Row = [comment: string, answer: object, told?: Partial<Told>]

const good = offerOf(release())
const at = (sequence: number, floor = 0) => offerOf(release({ sequence, floor }))
const needs = (requirement: NewReleaseStatement['requirement']) => offerOf(stated({ requirement }))
const longest = 'x'.repeat(70_000)
const tampered = Buffer.from(good.statement, 'base64')
tampered[20] = (tampered[20] ?? 0) ^ 1

/** In the order of Engine §4's table; the first check that fails is the one that is told. */
const rows: Row[] = [
  ['everything is as it should be', good],
  [
    'another key signed it, which is one of several',
    offerOf(spare.publish({ version: '1.1.0', sequence: 11, files })),
    { publicKeys: [publisher.publicKey, spare.publicKey] },
  ],
  ['1: without an id', { ...good, releaseId: undefined }],
  ['1: a hash in capitals', { ...good, hash: good.hash.toUpperCase() }],
  ['1: a size of 0', { ...good, sizeBytes: 0 }],
  ['1: half a byte', { ...good, sizeBytes: 10.5 }],
  ['1: mandatory as a word', { ...good, mandatory: 'true' }],
  ['1: notes that are a list', { ...good, notes: [] }],
  ['1: an available update as a word', { ...good, updateAvailable: 'true' }],
  ['1 before 2: an answer without an id and without a signature', { ...good, releaseId: 7, signature: null }],
  ['2: no signature of the bundle', { ...good, signature: null }],
  ['2: no word of it', { ...good, signature: undefined }],
  ['2: no statement', { ...good, statement: null }],
  ['2: no signature of the statement', { ...good, statementSignature: null }],
  ['3: a statement that is not base64', { ...good, statement: '%%%%' }],
  ['3: base64 without its padding', { ...good, statement: good.statement.replace(/=*$/, '').slice(0, -1) }],
  ['3: base64 in the alphabet of addresses', { ...good, statement: '-_-_' }],
  ['3: base64 with bits behind its end', { ...good, statement: 'QR==' }],
  ['3: a statement that is too long', { ...good, statement: Buffer.from(longest).toString('base64') }],
  ['3: a changed statement', { ...good, statement: tampered.toString('base64') }],
  ['3: a signature that is too short', { ...good, statementSignature: 'AAAA' }],
  [
    '3: a signature of a stranger',
    {
      ...good,
      statementSignature: offerOf(stranger.publish({ version: '1.1.0', sequence: 11, files })).statementSignature,
    },
  ],
  ['3: the signature of the bundle', { ...good, statementSignature: good.signature }],
  ['4: for another app', offerOf(stated({ appId: '0192d5a0-0000-7000-8000-000000000002' }))],
  ['4: for another platform', offerOf(stated({ platform: 'ios' }))],
  ['4: for any platform', offerOf(stated({ platform: 'any' }))],
  [
    '4: the app comes before the platform',
    offerOf(stated({ appId: '0192d5a0-0000-7000-8000-000000000002', platform: 'ios' })),
  ],
  ['5: another hash than was signed', { ...good, hash: 'f'.repeat(64) }],
  [
    '5: a signature of the bundle by a stranger',
    { ...good, signature: offerOf(stranger.publish({ version: '1.1.0', sequence: 11, files })).signature },
  ],
  ['5: a signature of the bundle that is not base64', { ...good, signature: '§' }],
  [
    '4 before 5: for another app, and a stranger’s bundle',
    { ...offerOf(stated({ appId: '0192d5a0-0000-7000-8000-000000000002' })), signature: 'AAAA' },
  ],
  ['6: for embedded', { ...good, ...publisher.orderEmbedded(11) }],
  ['6: another version than the answer’s', { ...good, version: '1.1.1' }],
  [
    '6: content of another kind',
    offerOf(
      stated({
        content: { kind: 'files' },
        artifacts: [{ name: 'files.json', sha256: good.hash, sizeBytes: good.sizeBytes }],
      }),
    ),
  ],
  [
    '6: another bundle',
    offerOf(stated({ artifacts: [{ name: 'bundle.zip', sha256: '0'.repeat(64), sizeBytes: good.sizeBytes }] })),
  ],
  ['6: another size than the answer’s', { ...good, sizeBytes: good.sizeBytes + 1 }],
  ['7: a newer shell', needs({ minNativeVersion: '1.1' })],
  ['7: this shell', needs({ minNativeVersion: '1.0.0' })],
  ['7: a range that it is in', needs({ nativeRange: '>=1.0 <2' })],
  ['7: a range that it is not in', needs({ nativeRange: '>=1.1' })],
  ['7: another runtime', needs({ runtimeVersion: 'rt-2' }), { host: { ...USUAL.host, runtimeVersion: 'rt-1' } }],
  ['7: its runtime', needs({ runtimeVersion: 'rt-1' }), { host: { ...USUAL.host, runtimeVersion: 'rt-1' } }],
  ['7: a runtime, and the host tells none', needs({ runtimeVersion: 'rt-1' })],
  [
    '7: a shell whose version cannot be read',
    needs({ minNativeVersion: '1.0' }),
    { host: { ...USUAL.host, nativeVersion: 'one' } },
  ],
  [
    '4 before 7: a floor above its own sequence does not even read as a statement, for whatever shell',
    offerOf(stated({ requirement: { minNativeVersion: '9.0' }, floor: 99 })),
  ],
  ['8: a floor above its own sequence', at(11, 12)],
  ['8: a floor that is its own sequence', at(11, 11)],
  ['9: below the floor', at(7)],
  ['9: below the floor, which is above the high-water mark', at(11), { state: { highWater: 10, floor: 12 } }],
  ['10: below the high-water mark', at(9)],
  ['10: at the high-water mark', at(10)],
  ['10a: as far above it as may be', at(1_000_010)],
  ['10a: one further', at(1_000_011)],
  [
    '10b: signed before the binary was built',
    offerOf(stated({ createdAt: '2025-12-14T23:59:59.999Z' })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    '10b: signed in that millisecond',
    offerOf(stated({ createdAt: '2025-12-15T00:00:00.000Z' })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    '10b: signed before, and says which binaries it is for',
    offerOf(stated({ createdAt: '2025-12-14T00:00:00.000Z', requirement: { minNativeVersion: '1.0' } })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    '10b: a day that no calendar has is no time',
    offerOf(stated({ createdAt: '2025-02-30T00:00:00.000Z' })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    '10b: nor is a time in another form',
    offerOf(stated({ createdAt: '2025-12-14 00:00:00Z' })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    '10 before 10b: too low, and too old',
    offerOf(release({ sequence: 9, statement: { createdAt: '2025-12-14T00:00:00.000Z' } })),
    { builtAt: Date.UTC(2025, 11, 15) },
  ],
  [
    'without keys nothing is looked at',
    { ...good, statement: 'x', statementSignature: 'y', signature: null },
    { publicKeys: [] },
  ],
  [
    'without keys the tree is what the patch says',
    {
      ...good,
      patch: {
        format: 'hpdelta1-br',
        url: 'https://updates.test/p',
        sha256: 'a'.repeat(64),
        sizeBytes: 3,
        baseTree: 'b'.repeat(64),
        tree: 'c'.repeat(64),
      },
    },
    { publicKeys: [] },
  ],
  ['a statement that names no tree', offerOf(stated({ content: { kind: 'archive' } }))],
  ['embedded, signed', backToEmbedded(publisher.orderEmbedded(11, 9))],
  ['embedded, at the high-water mark', backToEmbedded(publisher.orderEmbedded(10))],
  ['embedded, below the high-water mark', backToEmbedded(publisher.orderEmbedded(9))],
  ['embedded, too far', backToEmbedded(publisher.orderEmbedded(1_000_011))],
  ['embedded, with a floor above its sequence', backToEmbedded(publisher.orderEmbedded(11, 12))],
  ['embedded, by a stranger', backToEmbedded(stranger.orderEmbedded(11))],
  [
    'embedded, by a statement of a release',
    backToEmbedded({ statement: good.statement, statementSignature: good.statementSignature }),
  ],
  ['embedded, with a statement and no signature', backToEmbedded({ statement: good.statement })],
  ['embedded, by the server alone, with a floor', backToEmbedded()],
  ['embedded, by the server alone, without one', backToEmbedded(), { state: { highWater: 10, floor: 0 } }],
  ['embedded, however old it is', backToEmbedded(publisher.orderEmbedded(11)), { builtAt: Date.UTC(2026, 5, 1) }],
  ['embedded, without keys, with a floor', backToEmbedded(publisher.orderEmbedded(11)), { publicKeys: [] }],
  ['a way back to something that is not known', { ...backToEmbedded(), rollBackTo: 'yesterday' }],
]

async function judge(answer: unknown, told: Told): Promise<object> {
  const settings = {
    appId: APP_ID,
    publicKeys: told.publicKeys.map((key) => bytesFromBase64(key) ?? expect.unreachable()),
  }
  const context: JudgementContext = { crypto: createNodeCrypto(), settings, ...told }
  try {
    const read = reactNativeContract.readAnswer(answer)
    if (read.kind === 'nothing') return { nothing: read.reason }
    return read.kind === 'offer' ? await judgeOffer(read.offer, context) : await judgeEmbeddedOrder(read.order, context)
  } catch (error) {
    if (error instanceof UnexpectedJsonError) return { code: 'answer-invalid' }
    if (error instanceof UpdateError) return { code: error.code }
    throw error
  }
}

describe('judge.json', () => {
  test('has what is judged of every row', async () => {
    const cases = await Promise.all(
      rows.map(async ([comment, answer, told]) => {
        const wire = JSON.parse(JSON.stringify(answer)) as unknown
        return { comment, answer: wire, ...told, expected: await judge(wire, { ...USUAL, ...told }) }
      }),
    )
    const comment =
      'What is judged of an answer before a byte is fetched, row by row of the table. `usual` is what a device is, knows and trusts; a case replaces fields of it. `expected`: the judgement, or the code.'
    await holdVectors('judge.json', { section: 'Engine §4', comment, appId: APP_ID, usual: USUAL, cases })
  })
})
