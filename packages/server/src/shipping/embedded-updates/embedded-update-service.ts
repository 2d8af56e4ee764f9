import type { EmbeddedUpdate, EmbeddedUpdates, NewEmbeddedUpdate } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { readTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import { requirePlatform, type AppRow } from '../apps/app-service.ts'
import type { ArtifactService } from '../artifacts/artifact-service.ts'
import {
  deleteEmbeddedUpdate,
  findEmbeddedUpdate,
  insertEmbeddedUpdate,
  listEmbeddedUpdates,
  type EmbeddedUpdateName,
  type EmbeddedUpdateRow,
} from './embedded-update-store.ts'

/** Each is of one build of the app. */
const MAX_LISTED = 500

export type EmbeddedUpdateService = ReturnType<typeof createEmbeddedUpdateService>

/** What binaries of Expo's shipped with: when they were built, and the bundle that they run (Expo §13). */
export function createEmbeddedUpdateService({
  db,
  changes,
  artifacts,
  audit,
  clock,
  onAdded,
}: {
  db: Database
  changes: Changes
  artifacts: Pick<ArtifactService, 'listMissing' | 'claim' | 'own'>
  audit: AuditService
  clock: Clock
  /** Patches may be made of it. */
  onAdded: () => void
}) {
  /**
   * The same again changes nothing.
   * @throws problem artifact-missing, or invalid-request when something else has this id
   */
  async function add(app: AppRow, input: NewEmbeddedUpdate, author: Author): Promise<EmbeddedUpdate> {
    const { platform, sha256, sizeBytes } = input
    requirePlatform(app, platform)
    const row: EmbeddedUpdateRow = {
      app_id: app.id,
      platform,
      update_id: input.id,
      built_at: readTimestamp(input.builtAt, 'builtAt'),
      runtime_version: input.runtimeVersion ?? null,
      native_version: input.nativeVersion ?? null,
      sha256,
      size_bytes: sizeBytes,
      created_at: clock.now(),
      created_by: nameOf(author),
    }
    const [missing] = await artifacts.listMissing(app.id, [{ sha256, sizeBytes }])
    if (missing) {
      const expected = `Expected the bundle ${sha256} of ${sizeBytes} bytes to be uploaded before`
      throw problem('artifact-missing', `${expected}, found none.`, { missing: [sha256] })
    }
    const added = await changes.run(async (tx) => {
      const known = await findEmbeddedUpdate(tx, app.id, input)
      if (known) return described(requireSame(known, row))
      await artifacts.claim(tx, [sha256])
      await artifacts.own(tx, app.id, [sha256])
      await insertEmbeddedUpdate(tx, row)
      const after = { platform, id: input.id, sha256, builtAt: input.builtAt }
      await audit.record(tx, author, {
        action: 'embedded-update.added',
        subject: ['app', app.id],
        appId: app.id,
        after,
      })
      return described(row)
    })
    onAdded()
    return added
  }

  async function list(app: AppRow): Promise<EmbeddedUpdates> {
    return { items: (await listEmbeddedUpdates(db, app.id, MAX_LISTED)).map(described) }
  }

  /** @throws problem not-found */
  async function get(app: AppRow, name: EmbeddedUpdateName): Promise<EmbeddedUpdate> {
    const row = await findEmbeddedUpdate(db, app.id, name)
    if (row) return described(row)
    throw problem('not-found', `${app.slug} has no embedded update ${name.id} for ${name.platform}.`)
  }

  /** Its bytes stay, as those of a release do. */
  async function remove(app: AppRow, name: EmbeddedUpdateName, author: Author): Promise<EmbeddedUpdate> {
    const before = await get(app, name)
    await changes.run(async (tx) => {
      await deleteEmbeddedUpdate(tx, app.id, name)
      await audit.record(tx, author, {
        action: 'embedded-update.removed',
        subject: ['app', app.id],
        appId: app.id,
        before: { ...name, sha256: before.sha256 },
      })
    })
    return before
  }

  return { add, list, get, remove }
}

/** @throws problem invalid-request */
function requireSame(known: EmbeddedUpdateRow, row: EmbeddedUpdateRow): EmbeddedUpdateRow {
  if (known.sha256 === row.sha256 && known.built_at === row.built_at) return known
  const found = `another one, built ${timestamp(row.built_at)}`
  const detail = `id: ${row.update_id} is that of a bundle built ${timestamp(known.built_at)}, found ${found}.`
  throw problem('invalid-request', `${detail} Each build has an id of its own.`)
}

function described(row: EmbeddedUpdateRow): EmbeddedUpdate {
  return {
    platform: row.platform === 'ios' ? 'ios' : 'android',
    id: row.update_id,
    builtAt: timestamp(row.built_at),
    runtimeVersion: row.runtime_version,
    nativeVersion: row.native_version,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
  }
}
