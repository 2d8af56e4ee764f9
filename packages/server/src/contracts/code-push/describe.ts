import { binaryRangeOf, type Requirement } from '@hotpatch/protocol'
import type { RolloutFigures } from '../../fleet/progress/rollout-progress.ts'
import { artifactUrl } from '../../ground/http/public-url.ts'
import type { HistoryRow } from './history-queries.ts'

/** A release as CodePush's tools read it. */
export interface DescribedPackage {
  label: string
  appVersion: string
  description: string
  isDisabled: boolean
  isMandatory: boolean
  rollout: number
  packageHash: string
  blobUrl: string
  size: number
  uploadTime: number
  releasedBy: string
  releaseMethod: 'Upload' | 'Promote' | 'Rollback'
  /** Of what it has its content from: of the same deployment, or of the other. */
  originalLabel?: string
  originalDeployment?: string
}

/** Where the content of a rollout came from. */
export type PackageSource = Pick<DescribedPackage, 'releaseMethod' | 'originalLabel' | 'originalDeployment'>

export interface HistoryEntry extends HistoryRow {
  label: string
  appVersion: string
}

export function entryOf(row: HistoryRow, label: string): HistoryEntry {
  return { ...row, label, appVersion: binaryRangeOf(JSON.parse(row.requirement) as Requirement) }
}

/** Stopped in whichever way: nobody new gets it. */
export function isDisabled({ state }: HistoryRow): boolean {
  return state !== 'active'
}

/** The documented rule: nothing is placed on top of it. */
export function isUnfinished(entry: HistoryRow | undefined): boolean {
  return entry !== undefined && !isDisabled(entry) && entry.percentage < 100
}

export function describePackage(
  entry: HistoryEntry,
  publicUrl: string,
  source: PackageSource = { releaseMethod: 'Upload' },
): DescribedPackage {
  return {
    label: entry.label,
    appVersion: entry.appVersion,
    description: entry.notes,
    isDisabled: isDisabled(entry),
    isMandatory: entry.mandatory === 1,
    rollout: entry.percentage,
    packageHash: entry.package_hash,
    blobUrl: artifactUrl(publicUrl, entry.sha256),
    size: entry.size_bytes,
    uploadTime: entry.created_at,
    releasedBy: entry.created_by,
    ...source,
  }
}

/** By label, which is that of a rollout. What runs now is known of a release: that is its latest label's. */
export function metricsOf(
  entries: readonly HistoryEntry[],
  figures: ReadonlyMap<string, RolloutFigures>,
  running: ReadonlyMap<string, number>,
) {
  const latest = new Map(entries.toReversed().map(({ release_id, label }) => [release_id, label]))
  const metrics = entries.flatMap(({ label, release_id, rollout_id }) => {
    const found = figures.get(rollout_id)
    if (!found) return []
    const active = latest.get(release_id) === label ? (running.get(release_id) ?? 0) : 0
    const { downloaded, confirmed: installed, attempted_bad: failed } = found
    return [[label, { active, downloaded, installed, failed }] as const]
  })
  return Object.fromEntries(metrics)
}
