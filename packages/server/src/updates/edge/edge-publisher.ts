import { createPrivateKey, sign } from 'node:crypto'
import { readEdgeKeyDocument, timeOf, writeEdgePointer, type EdgeKeyDocument } from '@hotpatch/protocol'
import type { FastifyBaseLogger } from 'fastify'
import type { DeviceIdentity } from '../../fleet/devices/device-identity.ts'
import { HOUR_MS, timestamp, type Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { edgeKeyOwner } from '../../ground/secrets/seal-database.ts'
import type { SecretBox } from '../../ground/secrets/secret-box.ts'
import type { PublicFiles } from '../../ground/storage/public-files.ts'
import { loadCatalog, type CatalogKey } from '../catalog-queries.ts'
import { makeEdgeCatalog, type MadeEdgeCatalog } from './edge-catalogs.ts'
import { envelopeOf } from './edge-envelope.ts'
import { catalogName, EDGE_CACHE, EDGE_CONTENT_TYPE, keysName, pointerName } from './edge-names.ts'
import {
  findEdgeCatalog,
  findIdentifiedApp,
  findKeyDocument,
  findPointer,
  keepEdgeCatalog,
  listEdgeKeys,
  listEdgePlaces,
  listOutdatedCatalogs,
  putPointer,
  removeEdgeCatalog,
  type EdgeKeyRow,
  type EdgePointerRow,
} from './edge-store.ts'

/** Static edge §9: how long a pointer is good for, and when the server says it anew: well before. */
export const POINTER_LIFETIME_MS = 6 * HOUR_MS
export const RENEW_AFTER_MS = 2 * HOUR_MS
/** Whoever has read a pointer fetches its catalog within this time, whatever a cache between has kept. */
const KEEP_CATALOGS_MS = 2 * 24 * HOUR_MS
const MAX_REMOVED = 100
/** One that is written over and over is found right by the next round. */
const MAX_WRITES = 5

/**
 * Says at the edge what catalogs say. What it says is settled in the database, and then written where the public reads
 * it: of several servers, who was late writes what was said last.
 */
export function createEdgePublisher({
  db,
  identity,
  box,
  publicFiles,
  clock,
  log,
}: {
  db: Database
  identity: DeviceIdentity
  box: SecretBox
  publicFiles: PublicFiles
  clock: Clock
  log: Pick<FastifyBaseLogger, 'error'>
}) {
  const opened = new Map<string, string>()
  /**
   * Of what this process has spoken. The rest it says anew: a database from a backup has a word of then, which devices
   * take for old, and the folder beside it has none.
   */
  const spokenOf = new Set<string>()

  /** One round: all that changed, begins or would expire. What fails for one catalog holds up no other. */
  async function publishDue(): Promise<void> {
    const now = clock.now()
    for (const place of await listEdgePlaces(db)) {
      const { generation, keysVersion, saidGeneration, saidKeysVersion, renewAt, ...key } = place
      const isNew = saidGeneration !== generation || saidKeysVersion !== keysVersion
      const isGood = !isNew && renewAt !== null && renewAt > now && !isOfTimeToCome(renewAt, now)
      if (isGood && spokenOf.has(nameOf(key))) continue
      await publish(key).catch((error: unknown) => log.error({ err: error, ...key }, 'an edge could not be published'))
    }
    await removeOutdated(now)
  }

  async function publish(key: CatalogKey): Promise<void> {
    const spoken = await speak(key)
    if (spoken) await write(key)
    spokenOf.add(nameOf(key))
  }

  /** @returns false when there is nothing to say, or another server has said it */
  async function speak(key: CatalogKey): Promise<boolean> {
    const now = clock.now()
    const document = await findKeyDocument(db, key.appId)
    const keys = document && readEdgeKeyDocument(document.text)
    const signer = keys && (await findSigner(keys, now))
    const app = await findIdentifiedApp(db, key.appId)
    // Whoever cannot tell the devices of an app apart does not know whom its rollouts name.
    if (!signer || !app || !identity.isAbleFor(app)) return false
    const before = await findPointer(db, key)
    const data = await loadCatalog(db, key, identity)
    if (!data || (before && before.catalog_generation > data.catalog.generation)) return false
    const made = makeEdgeCatalog(data, now, app.deviceIds === 'as-given')
    const row = await makePointer(key, made, { now, before, keys, signer, generation: data.catalog.generation })
    return db.transaction().execute(async (tx) => {
      await keepEdgeCatalog(tx, { app_id: key.appId, sha256: made.sha256, text: made.text, used_at: now })
      return putPointer(tx, row, before?.generation)
    })
  }

  /** The newest of the server's keys that the document names. */
  async function findSigner({ appId, keys }: EdgeKeyDocument, now: number): Promise<Signer | undefined> {
    const own = await listEdgeKeys(db, appId)
    for (const row of own.toReversed()) {
      const named = keys.find(({ publicKey }) => publicKey === row.public_key)
      const notAfter = named ? timeOf(named.notAfter) : 0
      if (notAfter > now) return { row, notAfter }
    }
    return undefined
  }

  async function makePointer(
    key: CatalogKey,
    made: MadeEdgeCatalog,
    said: {
      now: number
      before: EdgePointerRow | undefined
      keys: EdgeKeyDocument
      signer: Signer
      generation: number
    },
  ): Promise<EdgePointerRow> {
    const { now, before, keys, signer } = said
    // By time, so that a database from a backup says nothing that devices take for older than what they have heard.
    const generation = Math.max(now, (before?.generation ?? 0) + 1)
    const expiresAt = Math.min(now + POINTER_LIFETIME_MS, signer.notAfter)
    const text = writeEdgePointer({
      ...key,
      keysVersion: keys.version,
      generation,
      issuedAt: timestamp(now),
      expiresAt: timestamp(expiresAt),
      catalog: { sha256: made.sha256, sizeBytes: made.sizeBytes },
    })
    return {
      app_id: key.appId,
      platform: key.platform,
      channel: key.channel,
      generation,
      keys_version: keys.version,
      catalog_generation: said.generation,
      catalog_sha256: made.sha256,
      envelope: await seal(text, signer.row),
      obstacles: JSON.stringify(made.obstacles),
      expires_at: expiresAt,
      renew_at: Math.min(now + RENEW_AFTER_MS, made.changesAt ?? Number.MAX_SAFE_INTEGER),
    }
  }

  async function seal(text: string, { id, private_key }: EdgeKeyRow): Promise<string> {
    const pem = opened.get(private_key) ?? (await box.open(edgeKeyOwner(id), private_key))
    opened.set(private_key, pem)
    const signature = sign(null, Buffer.from(text), createPrivateKey(pem)).toString('base64')
    return envelopeOf({ text, signature })
  }

  /** Until what lies there is what was said last: the catalog first, as a pointer leads to it. */
  async function write(key: CatalogKey): Promise<void> {
    let written: number | undefined
    for (let writes = 0; writes < MAX_WRITES; writes += 1) {
      const said = await findPointer(db, key)
      if (!said || said.generation === written) return
      const catalog = await findEdgeCatalog(db, key.appId, said.catalog_sha256)
      if (!catalog) return
      const { appId } = key
      await publicFiles.write(catalogName(appId, said.catalog_sha256), catalog.text, headersOf('catalog'))
      await writeKeys(appId)
      await publicFiles.write(pointerName(key), said.envelope, headersOf('pointer'))
      written = said.generation
    }
  }

  async function writeKeys(appId: string): Promise<void> {
    const document = await findKeyDocument(db, appId)
    if (document) await publicFiles.write(keysName(appId), envelopeOf(document), headersOf('keys'))
  }

  async function removeOutdated(now: number): Promise<void> {
    const before = now - KEEP_CATALOGS_MS
    for (const { appId, sha256 } of await listOutdatedCatalogs(db, before, MAX_REMOVED)) {
      await publicFiles.remove([catalogName(appId, sha256)])
      await removeEdgeCatalog(db, appId, sha256, before)
    }
  }

  return { publishDue, writeKeys }
}

/**
 * Said by a clock that was ahead, it would be good for as much longer: whoever shows it to devices could hold them for so
 * long, and they would believe nothing of an earlier time. By more than servers' clocks are apart, which would take turns.
 */
function isOfTimeToCome(renewAt: number, now: number): boolean {
  return renewAt > now + POINTER_LIFETIME_MS
}

interface Signer {
  row: EdgeKeyRow
  notAfter: number
}

function headersOf(document: keyof typeof EDGE_CACHE) {
  return { contentType: EDGE_CONTENT_TYPE, cacheControl: EDGE_CACHE[document] }
}

function nameOf({ appId, platform, channel }: CatalogKey): string {
  return `${appId} ${platform} ${channel}`
}
