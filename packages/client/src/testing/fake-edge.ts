// oxlint-disable-next-line no-restricted-imports -- A server signs on a computer, not on a device.
import { sign, type KeyObject } from 'node:crypto'
import {
  compileCatalog,
  edgeCatalogOf,
  utf8FromText,
  writeEdgeCatalog,
  writeEdgeEnvelope,
  writeEdgeKeyDocument,
  writeEdgePointer,
  type CatalogRelease,
  type CatalogRollout,
  type EdgeKeyDocument,
  type EdgePointer,
} from '@hotpatch/protocol'
import type { FakeResponse } from './fake-server.ts'
import { serveRange } from './fake-server.ts'
import { APP_ID, createPublisher, sha256Of, type PublishedRelease } from './publisher.ts'

export const EDGE_URL = 'https://cdn.test'
const HOUR_MS = 3_600_000
const FOLDER = `edge/v1/${APP_ID}`
export const POINTER = `${FOLDER}/android/production/latest.json`
export const KEYS = `${FOLDER}/keys.json`

/** What is in force on the channel, the newest first. */
export interface EdgePlacement {
  release: PublishedRelease
  rollout?: Partial<CatalogRollout>
  /** Stated again, under the next sequence. */
  restated?: PublishedRelease
}

export type FakeEdge = ReturnType<typeof createFakeEdge>

/** The server's side of an edge: files by path, which a test may change, swap, cut off or take away. */
export function createFakeEdge(publisher: ReturnType<typeof createPublisher>, startAt = Date.UTC(2026, 0, 1)) {
  const files = new Map<string, Uint8Array>()
  // Anybody's key pair will do: it is the document that makes it the server's.
  const server = createPublisher('archive', 'server of the edge')
  let version = 0
  let generation = 0

  function signKeys(changes: Partial<EdgeKeyDocument> = {}, by: KeyObject = publisher.privateKey) {
    version = changes.version ?? version + 1
    const keys = [{ publicKey: server.publicKey, notAfter: timeAt(startAt + 300 * 24 * HOUR_MS) }]
    const document = { appId: APP_ID, keys, createdAt: timeAt(startAt), ...changes, version }
    files.set(KEYS, seal(writeEdgeKeyDocument(document), by))
  }

  function say(placements: readonly EdgePlacement[], changes: Partial<EdgePointer> = {}, by = server.privateKey) {
    const text = writeCatalog(placements)
    const bytes = utf8FromText(text)
    const sha256 = sha256Of(bytes)
    files.set(`${FOLDER}/catalogs/${sha256}.json`, bytes)
    for (const { release } of placements) files.set(`artifacts/${release.sha256}`, release.bundle)
    generation += 1
    const pointer: EdgePointer = {
      appId: APP_ID,
      platform: 'android',
      channel: 'production',
      keysVersion: version,
      generation,
      issuedAt: timeAt(startAt),
      expiresAt: timeAt(startAt + 6 * HOUR_MS),
      catalog: { sha256, sizeBytes: bytes.length },
      ...changes,
    }
    files.set(POINTER, seal(writeEdgePointer(pointer), by))
    return pointer
  }

  function writeCatalog(placements: readonly EdgePlacement[]): string {
    const rollouts = placements.map((placement, index) => rolloutOf(placement, placements.length - index))
    const catalog = { appId: APP_ID, platform: 'android' as const, channel: 'production', generation: 1, rollouts }
    const byId = new Map(placements.map(({ release }) => [release.releaseId, release]))
    const edge = edgeCatalogOf(compileCatalog(catalog), 0, {
      drawsByDeviceId: true,
      offerOf: ({ id }) => offerOf(byId.get(id)),
      restatementOf: (id) => placements[placements.length - Number(id.slice(8))]?.restated,
    })
    return writeEdgeCatalog(edge)
  }

  function rolloutOf({ release, rollout, restated }: EdgePlacement, position: number): CatalogRollout {
    const { keyId } = publisher
    const target: CatalogRelease = {
      id: release.releaseId,
      version: release.version,
      sequence: release.sequence,
      requirement: {},
      floor: release.floor,
      keyId,
      isStated: true,
    }
    return {
      id: `rollout-${position}`,
      position,
      target,
      state: 'active',
      startsAt: null,
      mandatory: false,
      audience: { devices: [], cohorts: [], percentage: 100, buckets: 10_000, rules: [], slice: null },
      restated: restated ? { sequence: restated.sequence, floor: restated.floor, keyId } : null,
      ...rollout,
    }
  }

  function respond(url: string, request: Parameters<typeof serveRange>[1]): FakeResponse | undefined {
    if (!url.startsWith(`${EDGE_URL}/`)) return undefined
    const bytes = files.get(url.slice(EDGE_URL.length + 1))
    return bytes ? serveRange(bytes, request) : { status: 404 }
  }

  return { files, server, signKeys, say, respond }
}

function offerOf(release: PublishedRelease | undefined) {
  if (!release) throw new Error('It was never published.')
  const { sha256, bundle, signature, statement, statementSignature } = release
  return { sha256, sizeBytes: bundle.length, signature, stated: { statement, statementSignature }, notes: null }
}

function seal(text: string, by: KeyObject): Uint8Array {
  const bytes = Buffer.from(text)
  const signature = sign(null, bytes, by).toString('base64')
  return utf8FromText(writeEdgeEnvelope({ payload: bytes.toString('base64'), signatures: [signature] }))
}

export function timeAt(at: number): string {
  return new Date(at).toISOString()
}
