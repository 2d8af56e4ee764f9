import type {
  ActiveDevices,
  Checks,
  Downloads,
  PatchFigures,
  Reasons,
  ReleaseHealth,
  VersionDistribution,
} from '@hotpatch/api'
import { bars, curve } from '../output/charts.ts'
import { formatNumber, formatRate, formatShare, formatTime, formatVersion } from '../output/figures.ts'
import { COUNTED_ALL_THE_SAME, noteNotKept } from '../output/not-kept.ts'
import type { Output } from '../output/output.ts'
import { formatBytes } from '../output/text.ts'

const MAX_BARS = 12

/** How a person sees each insight; a program gets it as the API has it. */

export function showActive(output: Output, active: ActiveDevices): void {
  output.result(active, () => {
    output.line(`Active devices by ${active.bucket}`)
    drawSeries(output, active, (point) => point.devices)
  })
}

export function showChecks(output: Output, checks: Checks): void {
  output.result(checks, () => {
    output.line(`Checks per minute by ${checks.bucket}, ${formatNumber(checks.total)} in all`)
    drawSeries(output, checks, (point) => point.perMinute)
  })
}

function drawSeries<Point extends { at: string }>(
  output: Output,
  { from, to, points }: { from: string; to: string; points: readonly Point[] },
  valueOf: (point: Point) => number,
): void {
  const ends = [formatTime(points[0]?.at ?? from), formatTime(to)] as const
  output.drawn(curve({ values: points.map(valueOf), format: formatNumber, ends }, output.drawing))
}

export function showVersions(output: Output, versions: VersionDistribution): void {
  output.result(versions, () => {
    output.line('Versions that devices run now')
    const rows = versions.now.slice(0, MAX_BARS).map(({ version, devices, share }) => ({
      label: formatVersion(version),
      value: devices,
      text: `${formatNumber(devices)} ${formatShare(share).padStart(7)}`,
    }))
    output.drawn(bars(rows, output.drawing))
    const more = versions.now.length - rows.length
    if (more > 0) output.line(`… and ${more} more: --json has all`)
  })
}

export function showReasons(output: Output, reasons: Reasons): void {
  output.result(reasons, () => {
    output.line(`Why ${formatNumber(reasons.refusals)} of ${formatNumber(reasons.checks)} checks got no update`)
    output.table(
      ['share', 'checks', 'reason', 'explanation'],
      reasons.reasons.map(({ share, checks, reason, explanation }) => [
        formatShare(share),
        formatNumber(checks),
        reason,
        explanation,
      ]),
    )
  })
}

export function showHealth(output: Output, health: ReleaseHealth): void {
  output.result(health, () => {
    if (health.releases.length === 0) {
      output.notice('No release was tried in this time.')
      return
    }
    output.table(
      [
        'version',
        'platform',
        'attempted',
        'succeeded (95 % certain)',
        'failed',
        'rolled back',
        'crashed',
        'believed',
        'left out',
      ],
      health.releases.map((release) => [
        formatVersion(release.version),
        release.platform,
        formatNumber(release.attempted),
        formatRate(release.succeeded),
        formatRate(release.failed),
        formatRate(release.rolledBack),
        formatRate(release.crashed),
        formatNumber(release.believed.attempted),
        formatNumber(release.believed.leftOut.devices),
      ]),
    )
    noteNotKept(output, health.eventsNotKept, COUNTED_ALL_THE_SAME)
  })
}

export function showDownloads(output: Output, downloads: Downloads): void {
  output.result(downloads, () => {
    output.line(`Sent: ${formatNumber(downloads.downloads)} downloads, ${formatBytes(downloads.sentBytes)}`)
    output.line(
      downloads.savedBytes === null
        ? 'No device told how much it took, so what was saved is not known.'
        : `Told: ${formatNumber(downloads.toldDownloads)} downloads, ${formatBytes(downloads.toldBytes)} of ` +
            `${formatBytes(downloads.fullBytes)}: ${savedText(downloads.savedBytes)}`,
    )
    showPatches(output, downloads.patches)
    if (downloads.releases.length > 0) showDownloadsByRelease(output, downloads)
    noteNotKept(output, downloads.eventsNotKept, COUNTED_ALL_THE_SAME)
  })
}

/** Nothing where none was tried. */
export function showPatches(output: Output, { tried, patched, packed, fellBack, savedBytes }: PatchFigures): void {
  if (tried === 0) return
  const [of, as, whole] = [patched, packed, fellBack].map(formatNumber)
  output.line(
    `Patches: ${formatNumber(tried)} tried, ${of} of what ran, ${as} packed, ${whole} fell back: ${savedText(savedBytes)}`,
  )
}

function showDownloadsByRelease(output: Output, { releases }: Downloads): void {
  output.line('')
  output.table(
    ['version', 'platform', 'size', 'downloads', 'sent', 'saved', 'by patches'],
    releases.map(({ version, platform, sizeBytes, downloads, sentBytes, savedBytes, patches }) => [
      version,
      platform,
      formatBytes(sizeBytes),
      formatNumber(downloads),
      formatBytes(sentBytes),
      savedBytes === null ? null : savedText(savedBytes),
      patches.tried === 0 ? null : savedText(patches.savedBytes),
    ]),
  )
}

/** Devices that begin anew take more than the whole. */
function savedText(savedBytes: number): string {
  return savedBytes < 0 ? `${formatBytes(-savedBytes)} more` : `${formatBytes(savedBytes)} saved`
}
