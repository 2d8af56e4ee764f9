import { createNodeCrypto } from '@hotpatch/client/node'
import type { ClockPort, HttpRequest } from '@hotpatch/device-ground'
import { describe, expect, test } from 'vitest'
import vectors from '../../../../vectors/kit/checks.json' with { type: 'json' }
import type { OfferSignature } from '../offers/offer-signatures.ts'
import type { CheckRecord } from './check-record.ts'
import { createMemoryCheckStore, createMemorySession } from './check-store.ts'
import { createKitChecks } from './kit-checks.ts'

type Signer = 'key' | 'another' | 'nobody'
interface Kept {
  channel: string
  manifest: string
  signedBy: Signer
}
interface VectorRecord {
  lastCheckAt?: string
  offlineAt?: string
  floor?: number
  offer?: Kept
}
interface VectorCase {
  comment: string
  channel?: string
  isAsked?: boolean
  isEnabled?: boolean
  isOnline?: boolean
  installerVersion?: string
  /** The name of a manifest; null: there is none. */
  installed?: string | null
  record?: VectorRecord
  bundled?: { manifest: string; signedBy: Signer }
  answer?:
    | 'unreachable'
    | { status: number; manifest?: string; signedBy?: Signer; signedIn?: 'file'; adds?: string; body?: string }
  expect: { asks: boolean; outcome: object; known?: object | null; record?: VectorRecord }
}

const NOW = Date.parse(vectors.now)
const MANIFESTS: Readonly<Record<string, { text: string; signature: string; signatureOfAnother: string }>> =
  vectors.manifests

function manifestOf(name: string) {
  const manifest = MANIFESTS[name]
  if (!manifest) throw new Error(`no manifest of the name ${name}`)
  return manifest
}

function signaturesOf(name: string, signedBy: Signer): OfferSignature[] {
  const { signature, signatureOfAnother } = manifestOf(name)
  if (signedBy === 'nobody') return []
  return [{ scheme: 'ed25519', keyId: undefined, value: signedBy === 'key' ? signature : signatureOfAnother }]
}

function recordOf({ lastCheckAt, offlineAt, floor = 0, offer }: VectorRecord = {}): CheckRecord {
  return {
    lastCheckAt: lastCheckAt === undefined ? undefined : Date.parse(lastCheckAt),
    offlineAt: offlineAt === undefined ? undefined : Date.parse(offlineAt),
    floor,
    offer: offer && {
      channel: offer.channel,
      manifestText: manifestOf(offer.manifest).text,
      signatures: signaturesOf(offer.manifest, offer.signedBy),
    },
    snoozed: undefined,
  }
}

const clock: ClockPort = { now: () => NOW, elapsed: () => 0, after: () => () => {}, random: () => 0 }

function installedOf(name: string | null | undefined): string | undefined {
  if (name === null) return undefined
  if (name === undefined) return vectors.installed
  return name === 'damaged' ? '{"schema_version":1' : manifestOf(name).text
}

/** One server, as the vector has it. */
function serverOf(answer: VectorCase['answer']) {
  const requests: HttpRequest[] = []
  const answerTo = ({ url }: HttpRequest) => {
    if (answer === undefined || answer === 'unreachable') throw new Error('nothing is there')
    const { status, manifest, signedBy = 'key', signedIn, adds = '', body = '' } = answer
    const signatures = manifest === undefined ? [] : signaturesOf(manifest, signedBy)
    if (url.endsWith('.minisig')) return { status: 404, headers: {}, body: '' }
    if (url.endsWith('.sig')) {
      if (signedIn !== 'file') return { status: 404, headers: {}, body: '' }
      return { status: 200, headers: {}, body: JSON.stringify({ signatures }) }
    }
    const header = signatures.map(({ value }) => `ed25519;sig="${value}"`).join(', ')
    const headers = header === '' || signedIn === 'file' ? {} : { 'kit-signature': header }
    return { status, headers, body: manifest === undefined ? body : manifestOf(manifest).text + adds }
  }
  const http = {
    open(request: HttpRequest) {
      requests.push(request)
      const response = async () => {
        const { status, headers, body } = answerTo(request)
        return { status, headers: headers as Record<string, string | undefined>, body: chunks(body) }
      }
      return { response: response(), abort: () => {} }
    },
  }
  return { requests, http }
}

async function* chunks(text: string) {
  yield new TextEncoder().encode(text)
}

function checksFor(given: VectorCase, record: CheckRecord) {
  const store = createMemoryCheckStore()
  const server = serverOf(given.answer)
  const { channel = 'stable', isEnabled = true, isOnline, bundled, installerVersion } = given
  const checks = createKitChecks({
    application: 'gateway',
    source: { url: 'https://updates.example.com', appId: vectors.appId },
    publicKeys: [vectors.publicKey],
    channel,
    isEnabled,
    installerVersion,
    bundled: bundled && {
      manifestText: manifestOf(bundled.manifest).text,
      signatures: signaturesOf(bundled.manifest, bundled.signedBy),
    },
    ports: {
      http: server.http,
      clock,
      crypto: createNodeCrypto(),
      store,
      session: createMemorySession(),
      readInstalled: async () => installedOf(given.installed),
      ...(isOnline !== undefined && { isOnline: () => isOnline }),
    },
  })
  return { checks, server, store, ready: store.update('gateway', () => record) }
}

describe('vectors/kit/checks.json', () => {
  test.each((vectors.cases as VectorCase[]).map((each) => [each.comment, each] as const))('%s', async (_, given) => {
    const { checks, server, store, ready } = checksFor(given, recordOf(given.record))
    await ready
    const outcome = await checks.check({ isAsked: given.isAsked ?? false })
    const told = outcome.kind === 'check_failed' ? { kind: outcome.kind, code: outcome.code } : outcome
    const { until } = given.expect.outcome as { until?: string }
    expect(JSON.parse(JSON.stringify(told))).toEqual({
      ...given.expect.outcome,
      ...(until !== undefined && { until: Date.parse(until) }),
    })
    expect(server.requests.length > 0).toBe(given.expect.asks)
    const { known } = given.expect
    if (known !== undefined) expect(JSON.parse(JSON.stringify(checks.known() ?? null))).toEqual(known)
    const kept = given.expect.record ?? given.record
    expect(await store.read('gateway')).toEqual(recordOf(kept))
  })
})

describe('what people are told', () => {
  test.each(vectors.notices.map((each) => [each.comment, each] as const))('%s', async (_, given) => {
    const record = recordOf({
      lastCheckAt: vectors.now,
      offer: { channel: 'stable', manifest: given.manifest, signedBy: 'key' },
    })
    const snoozed = given.snoozed && { releaseId: given.snoozed.releaseId, at: Date.parse(given.snoozed.at) }
    const { checks, ready } = checksFor({ comment: '', expect: { asks: false, outcome: {} } }, { ...record, snoozed })
    await ready
    await checks.refresh()
    expect(checks.notice() !== undefined).toBe(given.isShown)
  })
})
