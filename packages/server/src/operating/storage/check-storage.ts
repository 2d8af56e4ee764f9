import type { Database } from '../../ground/database/schema.ts'
import type { StorageDriver } from '../../ground/storage/storage-driver.ts'
import { listArtifactsAfter, type ArtifactRow } from '../../shipping/artifacts/artifact-store.ts'
import { forEach, hashOf } from './spool-object.ts'

const CHECKS_AT_ONCE = 4
const PAGE = 500

export interface CheckResult {
  artifacts: number
  /** That the database refers to, and that are not there. */
  missing: string[]
  /** That are there with other bytes. */
  damaged: string[]
}

/** Whether every artifact that the database refers to is there, and is what its name says. Changes nothing. */
export async function checkStorage({
  db,
  storage,
  isSizeEnough,
  onProgress,
}: {
  db: Database
  storage: StorageDriver
  /** Else all bytes are read. */
  isSizeEnough: boolean
  onProgress?: (result: CheckResult) => void
}): Promise<CheckResult> {
  const result: CheckResult = { artifacts: 0, missing: [], damaged: [] }
  await forEach(allArtifacts(db), CHECKS_AT_ONCE, async ({ sha256, size_bytes }) => {
    result.artifacts += 1
    const found = await storage.stat(sha256)
    if (!found) result.missing.push(sha256)
    else if (found.sizeBytes !== size_bytes || !(isSizeEnough || (await isWhole(sha256)))) result.damaged.push(sha256)
    onProgress?.(result)
  })
  return result

  async function isWhole(sha256: string): Promise<boolean> {
    const stream = await storage.open(sha256)
    return stream !== undefined && (await hashOf(stream)).sha256 === sha256
  }
}

async function* allArtifacts(db: Database): AsyncGenerator<Pick<ArtifactRow, 'sha256' | 'size_bytes'>> {
  let after = ''
  for (;;) {
    const page = await listArtifactsAfter(db, after, PAGE)
    yield* page
    const last = page.at(-1)
    if (!last) return
    after = last.sha256
  }
}
