import type { EmbeddedUpdate, EmbeddedUpdates, NewEmbeddedUpdate } from '@hotpatch/api'
import { problem } from '@hotpatch/protocol'
import { readTimestamp, timestamp, type Clock } from '../../ground/clock.ts'
import type { Changes } from '../../ground/database/changes.ts'
import type { Connection, Database } from '../../ground/database/schema.ts'
import type { AuditService } from '../../people/audit/audit-service.ts'
import { nameOf, type Author } from '../../people/authors/author.ts'
import { requirePlatform, type AppRow } from '../apps/app-service.ts'
import { artifactMissing, type ArtifactService } from '../artifacts/artifact-service.ts'
import type { ArchiveFacts } from '../content/archive/archive-kind.ts'
import {
  deleteEmbeddedUpdate,
  deleteWaitingPatches,
  findEmbeddedUpdate,
  insertEmbeddedUpdate,
  listEmbeddedUpdates,
  setNativeVersions,
  type EmbeddedUpdateName,
  type EmbeddedUpdateRow,
} from './embedded-update-store.ts'

/** Each is of one build of the app. */
const MAX_LISTED = 500
/** Builds that ship with the same; what came later is of more use. */
const MAX_NATIVE_VERSIONS = 50

export type EmbeddedUpdateService = ReturnType<typeof createEmbeddedUpdateService>

/** What binaries shipped with: of Expo's the bundle that they run (Expo §13), else an archive of all of it (Content §12.1). */
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
  artifacts: Pick<ArtifactService, 'listMissing' | 'find' | 'claim' | 'own'>
  audit: AuditService
  clock: Clock
  /** Patches may be made of it. */
  onAdded: () => void
}) {
  /**
   * The same again changes nothing; of another native version, that is added.
   * @throws problem artifact-missing, content-unfit, or invalid-request when something else has this id
   */
  async function add(app: AppRow, input: NewEmbeddedUpdate, author: Author): Promise<EmbeddedUpdate> {
    const { platform, sha256, sizeBytes, builtAt } = input
    requirePlatform(app, platform)
    await requireUploaded(app, { sha256, sizeBytes })
    const row: EmbeddedUpdateRow = {
      app_id: app.id,
      platform,
      update_id: input.kind === 'archive' ? await treeOf(app, sha256) : input.id,
      kind: input.kind ?? 'expo',
      built_at: builtAt === undefined ? null : readTimestamp(builtAt, 'builtAt'),
      runtime_version: input.runtimeVersion ?? null,
      native_versions: JSON.stringify(input.nativeVersion === undefined ? [] : [input.nativeVersion]),
      sha256,
      size_bytes: sizeBytes,
      created_at: clock.now(),
      created_by: nameOf(author),
    }
    const added = await changes.run(async (tx) => {
      const name = { platform, id: row.update_id }
      if (!(await insertEmbeddedUpdate(tx, row))) {
        const known = await findEmbeddedUpdate(tx, app.id, name)
        if (known) return addVersions(tx, requireSame(known, row), row)
      }
      await artifacts.claim(tx, [sha256])
      await artifacts.own(tx, app.id, [sha256])
      await audit.record(tx, author, {
        action: 'embedded-update.added',
        subject: ['app', app.id],
        appId: app.id,
        after: { ...name, kind: row.kind, sha256, ...(builtAt !== undefined && { builtAt }) },
      })
      return described(row)
    })
    onAdded()
    return added
  }

  async function requireUploaded(app: AppRow, bytes: { sha256: string; sizeBytes: number }): Promise<void> {
    const [missing] = await artifacts.listMissing(app.id, [bytes])
    if (!missing) return
    const expected = `Expected the bundle ${bytes.sha256} of ${bytes.sizeBytes} bytes to be uploaded before`
    throw problem('artifact-missing', `${expected}, found none.`, { missing: [bytes.sha256] })
  }

  /** Of what was looked at when it came: no tool is believed. */
  async function treeOf(app: AppRow, sha256: string): Promise<string> {
    const found = await artifacts.find(app.id, sha256, 'archive')
    if (!found) throw artifactMissing(sha256)
    const { tree, sealed } = JSON.parse(found.facts) as ArchiveFacts
    if (!sealed) return tree
    const detail = 'Expected the zip of what the binary has, found an encrypted one, whose tree the server cannot know.'
    throw problem('content-unfit', detail)
  }

  async function addVersions(tx: Connection, known: EmbeddedUpdateRow, row: EmbeddedUpdateRow) {
    const versions = [...new Set([...versionsOf(known), ...versionsOf(row)])].slice(-MAX_NATIVE_VERSIONS)
    const changed = { ...known, native_versions: JSON.stringify(versions) }
    if (changed.native_versions !== known.native_versions) await setNativeVersions(tx, changed)
    return described(changed)
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

  /** Its bytes stay, as those of a release do, and so do patches that were made of them. */
  async function remove(app: AppRow, name: EmbeddedUpdateName, author: Author): Promise<EmbeddedUpdate> {
    const before = await get(app, name)
    await changes.run(async (tx) => {
      await deleteEmbeddedUpdate(tx, app.id, name)
      await deleteWaitingPatches(tx, app.id, name.id)
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
  // Which zip of the same files it is, is the same to everybody.
  if (known.kind === 'archive' && row.kind === 'archive') return known
  if (known.sha256 === row.sha256 && known.built_at === row.built_at) return known
  const builtAt = ({ built_at: at }: EmbeddedUpdateRow) => (at === null ? '' : `, built ${timestamp(at)}`)
  const detail = `id: ${row.update_id} is that of a bundle${builtAt(known)}, found another one${builtAt(row)}.`
  throw problem('invalid-request', `${detail} Each build has an id of its own.`)
}

function versionsOf({ native_versions }: EmbeddedUpdateRow): string[] {
  return JSON.parse(native_versions) as string[]
}

function described(row: EmbeddedUpdateRow): EmbeddedUpdate {
  return {
    kind: row.kind,
    platform: row.platform === 'ios' ? 'ios' : 'android',
    id: row.update_id,
    builtAt: row.built_at === null ? null : timestamp(row.built_at),
    runtimeVersion: row.runtime_version,
    nativeVersions: versionsOf(row),
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    createdAt: timestamp(row.created_at),
    createdBy: row.created_by,
  }
}
