import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Database, Schema } from '../../../ground/database/schema.ts'
import { createDiskStorage } from '../../../ground/storage/disk-storage.ts'
import type { StorageDriver } from '../../../ground/storage/storage-driver.ts'
import { createArtifactService } from '../../artifacts/artifact-service.ts'
import { createUploadSpool } from '../../artifacts/upload-spool.ts'
import type { ContentLimits } from '../content-kind.ts'
import { createContentService } from '../content-service.ts'
import { createFileUploads } from '../files/file-uploads.ts'

export type ContentStore = Awaited<ReturnType<typeof openContentStore>>

/** Whose content it is. */
export const APP_ID = '01970000-0000-7000-8000-000000000001'

export async function insertApp(db: Database, id = APP_ID): Promise<void> {
  const row = { id, slug: id, name: id, app_key: id, platforms: '["android"]', created_at: 0 }
  const settings = { check_access: 'open', bucketing: 'per-rollout', signing: 'optional' } as const
  await db
    .insertInto('app')
    .values({ ...row, ...settings } as Schema['app']) // the others have defaults
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Content and its bytes, in a folder of their own until the test is over. */
export async function openContentStore(db: Database, changes: Partial<ContentLimits> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'hotpatch-artifacts-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  let now = Date.UTC(2026, 0, 5)
  const clock = { now: () => now }
  const spoolDirectory = join(directory, 'spool')
  const storage = createDiskStorage({ directory: join(directory, 'artifacts'), clock })
  const limits = {
    maxBytes: 50_000_000,
    maxBinaryBytes: 50_000_000,
    maxFiles: 100,
    maxUnpackedBytes: 50_000_000,
    maxPathBytes: 300,
    ...changes,
  }
  const spool = createUploadSpool({
    directory: spoolDirectory,
    maxBytes: Math.max(limits.maxBytes, limits.maxBinaryBytes),
    idleTimeoutMs: 10_000,
    clock,
  })
  const artifacts = createArtifactService({ db, storage, clock })
  return {
    storage,
    artifacts,
    contents: createContentService({ artifacts, spool, limits }),
    files: createFileUploads({ artifacts, spool, limits }),
    withStorage: (overrides: Partial<StorageDriver>) =>
      createArtifactService({ db, storage: { ...storage, ...overrides }, clock }),
    /** Bytes that a release refers to, by which the storage is known to be this database's. @returns their key */
    async keepReleased(): Promise<string> {
      const bytes = Buffer.from('of a release')
      const [sha256, path] = [createHash('sha256').update(bytes).digest('hex'), join(directory, 'released')]
      await writeFile(path, bytes)
      await storage.put(sha256, { path, sizeBytes: bytes.length })
      const facts = { sizeBytes: bytes.length, contentType: 'text/plain', facts: null, awaitsCompression: false }
      await artifacts.register(db, [{ sha256, ...facts }])
      return sha256
    },
    spooled: () => readdir(spoolDirectory).catch(() => []),
    wait: (milliseconds: number) => void (now += milliseconds),
    now: () => now,
  }
}
