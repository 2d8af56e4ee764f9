import type { KitStep, KitPlan } from './kit-plan.ts'
import { compareVersions, listed } from './plan.ts'

/** Kits §7.5: what people are asked about, a line each. */
export function describePlan(plan: KitPlan): string[] {
  const { steps, left } = plan
  const same = left.filter(({ because }) => because === 'same').map(({ id }) => id)
  const absent = left.filter(({ because }) => because === 'not-installed').map(({ id }) => id)
  return [
    `${wayOf(plan)}${severityOf(plan)}`,
    ...steps.map((step) => `  ${describeStep(step)}`),
    ...(steps.length === 0 ? ['  Every component is what it should be; only the release is written down.'] : []),
    ...(same.length > 0 ? [`  Unchanged: ${listed(same)}`] : []),
    ...(absent.length > 0 ? [`  Not installed here: ${listed(absent)}`] : []),
    `Downloads ${bytes(plan.downloadBytes)}; needs about ${bytes(plan.neededBytes)} of free disk.`,
    downtimeOf(plan),
    ...warningsOf(plan),
  ]
}

function wayOf({ manifest: { releaseId }, from, direction }: KitPlan): string {
  if (from === undefined) return `To ${releaseId}, from nobody knows what`
  if (from.releaseId === releaseId) return `${releaseId} again`
  return `${direction === 'back' ? 'Back from' : 'From'} ${from.releaseId} to ${releaseId}`
}

function severityOf({ manifest: { severity } }: KitPlan): string {
  if (severity === 'informational') return '.'
  return severity === 'security' ? ' (security).' : ' (breaking).'
}

function describeStep({ component, installed, file }: KitStep): string {
  const { id, kind, version, migratesTo } = component
  const change = installed === undefined ? `new, ${version}` : `${installed.version} → ${version}`
  const again = installed?.version === version ? ', of which other bytes are there' : ''
  const level = migratesTo === undefined ? '' : `, to level ${migratesTo}`
  const size = file === undefined ? '' : `, ${bytes(file.sizeBytes)}`
  return `${id} (${kind}): ${change}${again}${level}${size}`
}

function downtimeOf({ expectedDowntimeSeconds: seconds, steps }: KitPlan): string {
  if (steps.every(({ component }) => component.kind === 'app')) return 'No service is interrupted.'
  if (seconds === undefined)
    return 'Services are interrupted while they restart; the release does not say for how long.'
  return seconds === 0 ? 'No downtime is expected.' : `About ${seconds} s of downtime.`
}

function warningsOf({ steps }: KitPlan): string[] {
  const final = steps.filter(({ component }) => !component.supportsRollback).map(({ component }) => component.id)
  const lower = steps
    .filter(
      ({ component, installed }) => component.kind === 'migration' && isLower(component.version, installed?.version),
    )
    .map(({ component }) => component.id)
  return [
    ...(final.length > 0 ? [`Cannot be undone once it is applied: ${listed(final)}.`] : []),
    ...(lower.length > 0
      ? [`Goes back to an older level, which your own migration has to be able to: ${listed(lower)}.`]
      : []),
  ]
}

function isLower(version: string, before: string | undefined): boolean {
  return compareVersions(version, before) < 0
}

/** Kits §7.5: the same for scripts. */
export function planAsJson(plan: KitPlan) {
  const { manifest, from, direction, steps, left } = plan
  return {
    from: from === undefined ? null : { releaseId: from.releaseId, sequence: from.sequence ?? null },
    to: {
      releaseId: manifest.releaseId,
      sequence: manifest.sequence,
      severity: manifest.severity,
      notes: manifest.notes ?? null,
    },
    direction,
    steps: steps.map(({ component, installed, file }) => ({
      id: component.id,
      kind: component.kind,
      from: installed?.version ?? null,
      to: component.version,
      sha256: file?.sha256 ?? null,
      sizeBytes: file?.sizeBytes ?? 0,
      canBeUndone: component.supportsRollback,
    })),
    left: left.map(({ id, because }) => ({ id, because })),
    downloadBytes: plan.downloadBytes,
    neededBytes: plan.neededBytes,
    expectedDowntimeSeconds: plan.expectedDowntimeSeconds ?? null,
    isReversible: plan.isReversible,
  }
}

export type PlanJson = ReturnType<typeof planAsJson>

const UNITS = ['bytes', 'kB', 'MB', 'GB']

function bytes(count: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(count, 1)) / 3), UNITS.length - 1)
  const value = count / 1000 ** power
  return `${power === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${UNITS[power]}`
}
