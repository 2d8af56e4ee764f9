import { fill } from '@hotpatch/update-elements'
import type { KnownOutcome } from '../checking/check-outcome.ts'
import type { BannerTexts } from './banner-texts.ts'

/** What a banner needs of the checks: those of `createKitChecks`. */
export interface ShownChecks {
  notice(): Extract<KnownOutcome, { update: object }> | undefined
  noticeShown(): void
  dismiss(): void
  snooze(): unknown
  subscribe(listener: () => void): () => void
}

/** What a banner shows, whoever draws it. */
export interface BannerView {
  title: string
  sentences: readonly string[]
  changes: readonly string[]
  notes: string
  isRequired: boolean
  /** Undefined: what is required is neither closed nor put off here. */
  later: (() => void) | undefined
  close: (() => void) | undefined
}

/** Undefined when people are to be told nothing. */
export function viewBanner(
  checks: ShownChecks,
  { texts, locale }: { texts: BannerTexts; locale: string | undefined },
): BannerView | undefined {
  const notice = checks.notice()
  if (!notice) return undefined
  const { update, kind } = notice
  const isRequired = kind === 'update_required'
  const { expectedDowntimeSeconds: downtime, needsNewerInstaller, minInstallerVersion, releaseId } = update
  const body = !isRequired
    ? texts.availableBody
    : update.severity === 'security'
      ? texts.securityBody
      : texts.breakingBody
  return {
    title: isRequired ? texts.requiredTitle : texts.availableTitle,
    sentences: [
      fill(body, { release: releaseId }),
      ...(downtime ? [fill(texts.downtime, { duration: formatDuration(downtime, locale) })] : []),
      ...(needsNewerInstaller ? [fill(texts.newerInstaller, { version: minInstallerVersion ?? '' })] : []),
    ],
    changes: update.components.map(({ id: component, from, to }) =>
      from === undefined ? fill(texts.added, { component, to }) : fill(texts.changed, { component, from, to }),
    ),
    notes: update.notes ?? '',
    isRequired,
    later: isRequired ? undefined : () => void checks.snooze(),
    close: isRequired ? undefined : () => checks.dismiss(),
  }
}

/** In seconds up to a minute and a half, then in minutes. Of a locale that is none: in English. */
function formatDuration(seconds: number, locale: string | undefined): string {
  const [value, unit] = seconds <= 90 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute']
  const options = { style: 'unit', unit, unitDisplay: 'long' } as const
  try {
    return new Intl.NumberFormat(locale, options).format(value)
  } catch {
    return new Intl.NumberFormat('en', options).format(value)
  }
}
