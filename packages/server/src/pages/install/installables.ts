import type { BinaryContentFile } from '@hotpatch/api'
import { inForce, REQUIREMENT_NAMES, type Platform } from '@hotpatch/protocol'
import type { Clock } from '../../ground/clock.ts'
import type { Database } from '../../ground/database/schema.ts'
import { listFilesOf, type FilesByRelease } from '../../shipping/content/content-queries.ts'
import { renderContent } from '../../shipping/content/content-service.ts'
import type { Catalogs } from '../../updates/catalogs.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import { listPublishTimes } from './install-queries.ts'

/** A version that everyone on a channel may have, for one platform. */
export interface Installable {
  releaseId: string
  version: string
  publishedAt: string
  /** Markdown. */
  notes: string
  files: InstallableFile[]
}

export interface InstallableFile extends BinaryContentFile {
  /** Of the picture that the file has of its app. */
  iconSha256?: string
}

/** Newest first; of a platform without one there is none. */
export type Installables = ReadonlyMap<Platform, readonly Installable[]>

export type FindInstallables = (slug: string, channel: string) => Promise<Installables>

/** More than anybody scrolls. */
const MAX_VERSIONS = 50

/** A page takes every form of a whole app. */
const TAKES = { kinds: ['binary'], forms: ['plain'], embedded: false } as const

/**
 * What a page shows: it is for nobody in particular, so never what is rolled out to a part (Decision §14).
 */
export function createInstallables({
  db,
  catalogs,
  clock,
}: {
  db: Database
  catalogs: Catalogs
  clock: Clock
}): FindInstallables {
  return async (slug, channel) => {
    const app = catalogs.findApp(slug)
    if (!app?.channels.has(channel)) return new Map()
    const found = new Map<Platform, Installable[]>()
    for (const platform of app.platforms) {
      const rollouts = inForce(catalogs.get(app, platform, channel), clock.now(), {
        takes: TAKES,
        judges: REQUIREMENT_NAMES,
        // An installer goes forward only: after a roll-back the page begins with what that went to.
        picksHighest: true,
      })
      const releases = new Map(
        rollouts.flatMap(({ target }) => (target === 'embedded' ? [] : [[target.id, target] as const])),
      )
      const versions = await describe([...releases.values()].slice(0, MAX_VERSIONS), platform)
      if (versions.length > 0) found.set(platform, versions)
    }
    return found
  }

  async function describe(releases: readonly OfferedRelease[], platform: Platform): Promise<Installable[]> {
    if (releases.length === 0) return []
    const ids = releases.map(({ id }) => id)
    const publishedAt = await listPublishTimes(db, ids)
    const files = await listFilesOf(db, ids)
    return releases
      .map(({ id: releaseId, version, notes }) => ({
        releaseId,
        version,
        notes,
        publishedAt: publishedAt.get(releaseId) ?? '',
        files: filesOf(files, releaseId).filter((file) => file.platform === platform || file.platform === 'any'),
      }))
      .filter((each) => each.files.length > 0)
  }
}

function filesOf(byRelease: FilesByRelease, releaseId: string): InstallableFile[] {
  const stored = byRelease.get(releaseId) ?? []
  const content = renderContent('binary', stored, '')
  if (content.kind !== 'binary') return []
  const icons = new Map(stored.filter(({ role }) => role === 'icon').map(({ path, sha256 }) => [path, sha256]))
  // Of a delta nobody who looks at a page can make anything.
  return content.files.flatMap((file) => {
    if (file.format === 'delta') return []
    const iconSha256 = icons.get(file.name)
    return [{ ...file, ...(iconSha256 && { iconSha256 }) }]
  })
}
