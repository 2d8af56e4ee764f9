import type { NewPatch } from '@hotpatch/api'
import { problem, type Platform } from '@hotpatch/protocol'
import type { Connection } from '../../ground/database/schema.ts'
import type { AppRow } from '../apps/app-service.ts'
import { findEmbedded, findPatchable, type NamedRelease } from './patch-management-store.ts'

/** Before the id or the native version, of what a binary shipped with. */
const EMBEDDED = 'embedded:'

/** What a patch is made of. */
export interface PatchStart extends NamedRelease {
  /** Undefined: it is a release. */
  embeddedId: string | undefined
}

export type PatchEnds = Pick<NewPatch, 'platform' | 'from' | 'to'>

/** What a patch leads from and to. @throws problem release-not-found or not-found */
export async function getEnds(
  db: Connection,
  app: AppRow,
  { platform, from, to }: PatchEnds,
): Promise<{ before: PatchStart; after: NamedRelease }> {
  const before = from.startsWith(EMBEDDED)
    ? await embeddedOf(db, app, platform, from.slice(EMBEDDED.length))
    : { ...(await patchableOf(db, app, platform, from)), embeddedId: undefined }
  return { before, after: await patchableOf(db, app, platform, to) }
}

/** As what is wanted names it. */
export function baseOf({ embeddedId, releaseId }: PatchStart, sha256: string) {
  return embeddedId === undefined ? { releaseId, sha256 } : { embeddedId, sha256 }
}

async function patchableOf(db: Connection, app: AppRow, platform: Platform, version: string): Promise<NamedRelease> {
  const found = await findPatchable(db, { appId: app.id, platform, version })
  if (found) return found
  throw problem('release-not-found', `${app.slug} has no release of the version ${version} for ${platform}.`)
}

/** As such a release would be, were it one. */
async function embeddedOf(db: Connection, app: AppRow, platform: Platform, name: string): Promise<PatchStart> {
  const found = await findEmbedded(db, { appId: app.id, platform, name })
  if (!found) {
    const see = 'See: hotpatch updates embedded list.'
    throw problem(
      'not-found',
      `${app.slug} knows of no binary ${name} for ${platform}, and what it shipped with. ${see}`,
    )
  }
  const { embeddedId, kind, sha256 } = found
  const of = { releaseId: '', embeddedId, isEncrypted: false }
  if (kind === 'expo') return { ...of, content: 'files', archive: null, stored: null, launch: sha256 }
  return { ...of, content: 'archive', archive: sha256, stored: sha256, launch: null }
}
