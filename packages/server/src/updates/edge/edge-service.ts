import { generateKeyPairSync } from 'node:crypto'
import type { EdgeOfApp, NewEdgeKeyDocument } from '@hotpatch/api'
import {
  MAX_EDGE_DOCUMENT_BYTES,
  problem,
  readEdgeKeyDocument,
  textFromUtf8,
  UnexpectedJsonError,
  type EdgeKeyDocument,
  type EdgeObstacle,
  timeOf,
} from '@hotpatch/protocol'
import { isSignedBy } from '@hotpatch/signatures'
import { MINUTE_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import { edgeKeyOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import type { KeyService } from '../../shipping/signing/key-service.ts'
import type { CatalogKey } from '../catalog-queries.ts'
import {
  findKeyDocument,
  findPointer,
  insertEdgeKey,
  listEdgeKeys,
  listPointers,
  putKeyDocument,
  removePointers,
  type EdgePointerRow,
} from './edge-store.ts'

type AppRow = Schema['app']

/** More are not kept: whoever makes one has to have it signed before it speaks. */
const MAX_SERVER_KEYS = 20

export type EdgeService = ReturnType<typeof createEdgeService>

/** Static edge §4: by which keys the server speaks for an app, as its publishers say. */
export function createEdgeService({
  db,
  changes,
  keys,
  audit,
  box,
  clock,
  newId,
  onSigned,
}: {
  db: Database
  changes: Changes
  keys: KeyService
  audit: AuditService
  box: SecretBox
  clock: Clock
  newId: () => string
  /** There is another document: what is said is said anew. */
  onSigned: (appId: string) => Promise<void>
}) {
  async function describe(app: Pick<AppRow, 'id'>, connection: Connection = db): Promise<EdgeOfApp> {
    const own = await listEdgeKeys(connection, app.id)
    const document = await findKeyDocument(connection, app.id)
    const pointers = await listPointers(connection, app.id)
    return {
      serverKeys: own.map((key) => ({ publicKey: key.public_key, createdAt: timestamp(key.created_at) })),
      keyDocument: document ? renderDocument(document) : null,
      catalogs: pointers.map(renderPointer),
    }
  }

  /** Another key of the server's: it says nothing before a publisher has signed for it. */
  async function addKey(app: AppRow, author: Author): Promise<EdgeOfApp> {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const id = newId()
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('base64')
    const row = {
      id,
      app_id: app.id,
      public_key: raw,
      private_key: await box.seal(edgeKeyOwner(id), pem),
      created_at: clock.now(),
    }
    await changes.run(async (tx) => {
      if ((await listEdgeKeys(tx, app.id)).length >= MAX_SERVER_KEYS) {
        throw problem('invalid-request', `Expected at most ${MAX_SERVER_KEYS} keys of an edge, found one more.`)
      }
      await insertEdgeKey(tx, row)
      const subject = ['edge-key', id] as const
      await audit.record(tx, author, { action: 'edge.key-made', subject, appId: app.id, after: { publicKey: raw } })
    })
    return describe(app)
  }

  /** @throws problem statement-invalid or signature-invalid */
  async function putDocument(app: AppRow, input: NewEdgeKeyDocument, author: Author): Promise<EdgeOfApp> {
    const bytes = Buffer.from(input.document, 'base64')
    const publishers = await keys.listWorking(app.id)
    if (!publishers.some((key) => isSignedBy(key, bytes, input.signature))) {
      throw problem(
        'signature-invalid',
        'No registered key of the app verifies the signature over the key document. Sign it with a key that the app takes ' +
          'releases by; an app without one takes it with its first signed release, or by "hotpatch keys add".',
      )
    }
    const text = readText(bytes)
    const document = readDocument(text)
    await changes.run(async (tx) => {
      const before = await findKeyDocument(tx, app.id)
      await expectFitting(tx, app, document, before)
      const isPut = await putKeyDocument(tx, {
        app_id: app.id,
        version: document.version,
        text,
        signature: input.signature,
        created_at: clock.now(),
        created_by: nameOf(author),
      })
      if (!isPut) throw wrongVersion(document.version, before?.version ?? 0)
      // Devices believe nothing of what was said: nobody is to be served it.
      if (document.keys.length === 0) await removePointers(tx, app.id)
      await audit.record(tx, author, {
        action: 'edge.keys-signed',
        subject: ['app', app.id],
        appId: app.id,
        before: before && readEdgeKeyDocument(before.text),
        after: document,
      })
    })
    await onSigned(app.id)
    return describe(app)
  }

  async function expectFitting(
    tx: Connection,
    app: AppRow,
    { appId, version, keys: named, createdAt }: EdgeKeyDocument,
    before: { version: number } | undefined,
  ): Promise<void> {
    if (appId !== app.id) throw problem('statement-invalid', `appId: expected "${app.id}", found "${appId}".`)
    const expected = (before?.version ?? 0) + 1
    if (version !== expected) throw wrongVersion(version, expected - 1)
    const latest = clock.now() + MAX_AHEAD_MS
    if (timeOf(createdAt) > latest) throw notYet(createdAt, timestamp(latest))
    const own = new Set((await listEdgeKeys(tx, app.id)).map((key) => key.public_key))
    const foreign = named.find(({ publicKey }) => !own.has(publicKey))
    if (foreign) throw problem('statement-invalid', `keys: this server has no key ${foreign.publicKey} for the app.`)
  }

  /** Of a catalog, as its edge said last: which rollouts devices must ask the server for. None where there is no edge. */
  async function listOffEdge(key: CatalogKey): Promise<readonly OffEdge[]> {
    const pointer = await findPointer(db, key)
    return pointer ? readObstacles(pointer) : []
  }

  return { describe, addKey, putDocument, listOffEdge }
}

/** How far the clock of the machine that signed may be ahead. Devices take it for no earlier than the document says. */
const MAX_AHEAD_MS = 10 * MINUTE_MS

function notYet(found: string, latest: string) {
  const expected = `a time that is not to come, which is before ${latest}`
  return problem('statement-invalid', `createdAt: expected ${expected}, found ${found}. Set the clock, and sign again.`)
}

function wrongVersion(found: number, known: number) {
  return problem('statement-invalid', `version: expected ${known + 1}, as the last one was ${known}, found ${found}.`)
}

/** @throws problem statement-invalid */
function readText(bytes: Buffer): string {
  const text = bytes.length <= MAX_EDGE_DOCUMENT_BYTES ? textFromUtf8(bytes) : undefined
  if (text !== undefined) return text
  throw problem('statement-invalid', `Expected at most ${MAX_EDGE_DOCUMENT_BYTES} bytes of UTF-8, found others.`)
}

function readDocument(text: string): EdgeKeyDocument {
  try {
    return readEdgeKeyDocument(text)
  } catch (cause) {
    if (!(cause instanceof UnexpectedJsonError)) throw cause
    throw problem('statement-invalid', cause.message, { field: cause.pointer }, { cause })
  }
}

function renderDocument({ text, created_by }: { text: string; created_by: string }) {
  const { version, keys, createdAt } = readEdgeKeyDocument(text)
  return { version, keys: [...keys], createdAt, createdBy: created_by }
}

function renderPointer(row: EdgePointerRow): EdgeOfApp['catalogs'][number] {
  return {
    platform: row.platform,
    channel: row.channel,
    generation: row.generation,
    sha256: row.catalog_sha256,
    expiresAt: timestamp(row.expires_at),
    asksServer: readObstacles(row),
  }
}

/** A rollout that the server alone can judge, and why. */
export interface OffEdge {
  rolloutId: string
  reason: EdgeObstacle
}

function readObstacles({ obstacles }: EdgePointerRow): OffEdge[] {
  return JSON.parse(obstacles) as OffEdge[] // as the publisher wrote it
}
