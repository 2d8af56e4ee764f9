import { text } from 'node:stream/consumers'
import { problem } from '@hotpatch/protocol'
import { type Clock, DAY_MS } from '../../ground/clock.ts'
import type { Connection, Database, Schema } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import {
  deleteExpiredArtifacts,
  findFacts,
  insertAppArtifacts,
  insertArtifacts,
  insertExpoExports,
  insertFacts,
  keepArtifactsForGood,
  keepWaiting,
  leaveUncompressed,
  listAppArtifacts,
  listArtifactKeys,
  type ArtifactRow,
  type FactsRow,
} from './artifact-store.ts'
import { ANY_BYTES } from './any-bytes.ts'
import { judgeStorage } from './own-storage.ts'

/** Bytes and what was found of them. */
export interface CheckedArtifact {
  sha256: string
  sizeBytes: number
  contentType: string
  /** JSON, and of which kind of content; null: they are a part of other content, and were looked at as nothing else. */
  facts: { kind: string; text: string } | null
  /** Of an export of Expo's, as JSON. */
  expoExport?: string
  /** Whether they are worth a try at being made smaller. */
  awaitsCompression: boolean
  /** Of an archive: whether its files are. */
  awaitsPacking?: boolean
}

/** A complete local file under the name that its bytes have. */
export interface SpooledArtifact {
  sha256: string
  path: string
  sizeBytes: number
}

export interface SizedKey {
  sha256: string
  sizeBytes: number
}

/** What is not here, or is of another size than was told. */
export interface MissingBytes extends SizedKey {
  foundBytes: number | undefined
}

export type ArtifactService = ReturnType<typeof createArtifactService>

const SWEEP_BATCH = 500
/** Each waits for the disk several times. */
const PUTS_AT_ONCE = 8
/** Of a storage far away each takes as long as the way there. */
const LOOKS_AT_ONCE = 32
/** How long an upload waits for its release. */
const UPLOAD_WAITS_MS = DAY_MS

const FOREIGN_STORAGE =
  'Expected a storage with artifacts of this database, found only others. Nothing was removed. Look at S3_BUCKET and ' +
  'S3_PREFIX, or at DATABASE_URL: one of them may be of another server.'

export function createArtifactService({ db, storage, clock }: { db: Database; storage: StorageDriver; clock: Clock }) {
  /** Makes the bytes durable. The rows come later, and within the age that `sweepOrphans` is called with. */
  async function keep(files: readonly SpooledArtifact[]): Promise<void> {
    const queue = files.values()
    async function work() {
      for (const { sha256, path, sizeBytes } of queue) await storage.put(sha256, { path, sizeBytes })
    }
    await Promise.all(Array.from({ length: Math.min(PUTS_AT_ONCE, files.length) }, work))
  }

  /** Writes the rows of what was kept, in the transaction that first refers to it. */
  async function register(tx: Connection, artifacts: readonly CheckedArtifact[]): Promise<void> {
    await write(tx, artifacts, null)
  }

  /** Of what was kept and waits for a release of the app: all of it, or nothing. */
  function hold(appId: string, artifacts: readonly CheckedArtifact[]): Promise<void> {
    const keptUntil = clock.now() + UPLOAD_WAITS_MS
    return db.transaction().execute(async (tx) => {
      await write(tx, artifacts, keptUntil)
      await insertAppArtifacts(tx, rowsOfApp(appId, artifacts, keptUntil))
    })
  }

  async function write(tx: Connection, artifacts: readonly CheckedArtifact[], keptUntil: number | null): Promise<void> {
    await insertArtifacts(tx, rowsOf(artifacts, keptUntil))
    await insertFacts(tx, factsOf(artifacts))
    await insertExpoExports(tx, exportsOf(artifacts))
  }

  function rowsOf(artifacts: readonly CheckedArtifact[], keptUntil: number | null): ArtifactRow[] {
    return artifacts.map(({ sha256, sizeBytes, contentType, awaitsCompression, awaitsPacking = false }) => ({
      sha256,
      size_bytes: sizeBytes,
      content_type: contentType,
      created_at: clock.now(),
      kept_until: keptUntil,
      awaits_compression: awaitsCompression ? 1 : 0,
      awaits_packing: awaitsPacking ? 1 : 0,
      bytes_until: null,
    }))
  }

  /**
   * What was found of an app's bytes as some kind of content. Undefined as well when they were never looked at as that,
   * and when they were lost or cut since: then they are to be uploaded again.
   */
  async function find(
    appId: string,
    sha256: string,
    kind: string,
  ): Promise<{ sizeBytes: number; facts: string } | undefined> {
    const [row] = await listAppArtifacts(db, appId, [sha256], clock.now())
    if (!row || !(await isStored(sha256, row.size_bytes))) return undefined
    const facts = await findFacts(db, sha256, kind)
    return facts === undefined ? undefined : { sizeBytes: row.size_bytes, facts }
  }

  async function isStored(sha256: string, sizeBytes: number): Promise<boolean> {
    return (await storage.stat(sha256))?.sizeBytes === sizeBytes
  }

  /** Whether none of the bytes were lost or cut since. */
  async function areStored(files: readonly SizedKey[]): Promise<boolean> {
    return (await listLost(files)).size === 0
  }

  /** @returns the keys of those that were lost or cut since */
  async function listLost(files: readonly SizedKey[]): Promise<ReadonlySet<string>> {
    const lost = new Set<string>()
    const queue = files.values()
    async function work() {
      for (const { sha256, sizeBytes } of queue) if (!(await isStored(sha256, sizeBytes))) lost.add(sha256)
    }
    await Promise.all(Array.from({ length: Math.min(LOOKS_AT_ONCE, files.length) }, work))
    return lost
  }

  /**
   * What an app would have to send, each once. What it has sent already waits for its release a day longer.
   * @returns with the size that bytes here have, where that is another one
   */
  async function listMissing(appId: string, files: readonly SizedKey[]): Promise<MissingBytes[]> {
    const asked = [...new Map(files.map((file) => [file.sha256, file])).values()]
    const rows = await listAppArtifacts(
      db,
      appId,
      asked.map(({ sha256 }) => sha256),
      clock.now(),
    )
    const owned = rows.map(({ sha256, size_bytes }) => ({ sha256, sizeBytes: size_bytes }))
    await keepWaiting(
      db,
      appId,
      owned.map(({ sha256 }) => sha256),
      clock.now() + UPLOAD_WAITS_MS,
    )
    const lost = await listLost(owned)
    const sizes = new Map(owned.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]))
    return asked.flatMap(({ sha256, sizeBytes }) => {
      const foundBytes = lost.has(sha256) ? undefined : sizes.get(sha256)
      return foundBytes === sizeBytes ? [] : [{ sha256, sizeBytes, foundBytes }]
    })
  }

  /** Undefined when there is no such object, or more of it than that. */
  async function readText(sha256: string, maxBytes: number): Promise<string | undefined> {
    const { sizeBytes = Infinity } = (await storage.stat(sha256)) ?? {}
    const stream = sizeBytes <= maxBytes ? await storage.open(sha256) : undefined
    return stream && text(stream)
  }

  /**
   * For a release of bytes that were uploaded before, in its transaction.
   * @param keys each once
   * @throws problem artifact-missing
   */
  async function claim(tx: Connection, keys: readonly string[]): Promise<void> {
    if (!(await keepArtifactsForGood(tx, keys, clock.now()))) throw artifactMissing(keys[0] ?? '')
  }

  /** From now on, whichever release has them. In the transaction that makes that. */
  async function own(tx: Connection, appId: string, keys: readonly string[]): Promise<void> {
    const artifacts = keys.map((sha256) => ({ sha256 }))
    await insertAppArtifacts(tx, rowsOfApp(appId, artifacts, null))
  }

  /**
   * Removes objects that no row refers to: uploads of which the last step never came; and those of artifacts that are to
   * have no bytes any more. One that may still be on its way
   * is safe, because `put` makes an object count as new also when it existed, and only those older than the age go.
   * A database that does not answer ends the sweep: nothing is removed on a guess.
   * @returns how many objects had no row
   */
  async function sweepOrphans({ olderThanMs }: { olderThanMs: number }): Promise<number> {
    const unmodifiedSince = new Date(clock.now() - olderThanMs)
    let orphans = 0
    let batch: string[] = []
    let judged: Awaited<ReturnType<typeof judgeStorage>> | undefined
    const sweepBatch = async () => {
      const known = new Set(await listArtifactKeys(db, batch, clock.now()))
      const unknown = batch.filter((key) => !known.has(key))
      if (unknown.length > 0) judged ??= await judgeStorage(db, storage)
      if (judged === 'foreign') throw new Error(FOREIGN_STORAGE)
      batch = []
      if (judged !== 'own') return
      await storage.remove(unknown, { unmodifiedSince })
      orphans += unknown.length
    }
    await deleteExpiredArtifacts(db, clock.now())
    for await (const { key, modifiedAt } of storage.list()) {
      if (modifiedAt >= unmodifiedSince) continue
      batch.push(key)
      if (batch.length === SWEEP_BATCH) await sweepBatch()
    }
    if (batch.length > 0) await sweepBatch()
    await storage.removeLeftovers(unmodifiedSince)
    return orphans
  }

  return {
    keep,
    register,
    hold,
    find,
    areStored,
    listMissing,
    readText,
    claim,
    own,
    leaveUncompressed,
    sweepOrphans,
  }
}

function rowsOfApp(appId: string, artifacts: readonly { sha256: string }[], keptUntil: number | null) {
  return artifacts.map(({ sha256 }) => ({ app_id: appId, sha256, kept_until: keptUntil }))
}

/** Bytes that are a part of other content, or made of one. */
export function asPart({ sha256, sizeBytes }: Pick<SpooledArtifact, 'sha256' | 'sizeBytes'>): CheckedArtifact {
  // The same bytes may be files of different types.
  return { sha256, sizeBytes, contentType: ANY_BYTES, facts: null, awaitsCompression: false }
}

function exportsOf(artifacts: readonly CheckedArtifact[]): Schema['expo_export'][] {
  return artifacts.flatMap(({ sha256, expoExport }) =>
    expoExport === undefined ? [] : [{ sha256, exported: expoExport }],
  )
}

function factsOf(artifacts: readonly CheckedArtifact[]): FactsRow[] {
  return artifacts.flatMap(({ sha256, facts }) => (facts ? [{ sha256, kind: facts.kind, facts: facts.text }] : []))
}

export function artifactMissing(sha256: string) {
  return problem('artifact-missing', `There are no bytes with the SHA-256 ${sha256}: upload them first.`)
}
