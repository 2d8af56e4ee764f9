import { problem, type Platform, type Problem } from '@hotpatch/protocol'
import { timestamp } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import {
  describeDifferences,
  type ReleaseDifference,
  type ReleaseSubstance,
} from '../../shipping/releases/release-differences.ts'
import type { ReleaseRow, ReleaseService } from '../../shipping/releases/release-service.ts'
import type { RolloutService } from '../rollouts/rollout-service.ts'

/** A release whose version somebody publishes under, as it concerns them. */
export interface ExistingRelease {
  row: ReleaseRow
  /** Those that ever had it, from the first on. */
  channels: readonly string[]
  /** In what it is not what they have. */
  differences: readonly ReleaseDifference[]
}

/** Publishing under a version that is there places what is there, if that is the same. */
export function createExistingReleases({ releases, rollouts }: { releases: ReleaseService; rollouts: RolloutService }) {
  async function compare(connection: Connection, row: ReleaseRow, found: ReleaseSubstance): Promise<ExistingRelease> {
    const channels = await rollouts.listChannelsOf(row.id, connection)
    return { row, channels, differences: await releases.differencesFrom(row, found, connection) }
  }

  /** @throws problem release-exists when it cannot be placed on the channel, with all that there is to know of it */
  async function requirePlaceable(
    connection: Connection,
    row: ReleaseRow,
    { platform, channel }: { platform: Platform; channel: string },
    found: ReleaseSubstance,
  ): Promise<void> {
    const existing = await compare(connection, row, found)
    const objection = findObjection(existing, { platform, channel })
    if (objection) throw releaseExists(existing, `${nameOf(row)} ${objection.found}. ${objection.advice}`)
  }

  return { compare, requirePlaceable }
}

/** What speaks against placing it on a channel as one for the platform; undefined: nothing. */
export function findObjection(
  { row, channels, differences }: ExistingRelease,
  { platform, channel }: { platform: Platform; channel: string },
) {
  const published = `was published ${timestamp(row.created_at)} by ${row.created_by}`
  if (row.platform !== platform) {
    const found = `${published}, and devices that tell their version could run that or this one, for ${platform}`
    return { found, advice: 'Publish under a new version.' }
  }
  if (row.archived_at !== null) {
    const found = `${published} and is archived: it is placed nowhere any more`
    return { found, advice: 'Publish under a new version.' }
  }
  if (differences.length > 0) {
    const found = `${published} and is something else: ${describeDifferences(differences).replace(/\.$/, '')}`
    const advice =
      'A release never changes: publish under a new version, or place the one that is there with `hotpatch promote`.'
    return { found, advice }
  }
  if (!channels.includes(channel)) return undefined
  const found = `${published} and is on the channel "${channel}" already`
  const advice =
    'To place it there once more, use `hotpatch promote`. If that was you, and the answer got lost, it is done.'
  return { found, advice }
}

function nameOf({ version, platform }: ReleaseRow): string {
  return `Version ${version} for ${platform}`
}

function releaseExists({ row, channels, differences }: ExistingRelease, detail: string): Problem {
  const published = { publishedAt: timestamp(row.created_at), publishedBy: row.created_by }
  return problem('release-exists', detail, { releaseId: row.id, ...published, channels, differences })
}
