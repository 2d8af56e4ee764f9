import type { Guard, GuardFigures, GuardSettings, GuardTrip } from '@hotpatch/api'
import { describeLeftOut } from './left-out.ts'
import { formatCount } from './text.ts'

const ACTIONS = {
  notify: 'says so',
  pause: 'pauses it',
  'roll-back': 'rolls it back',
} as const satisfies Record<GuardSettings['action'], string>

/** Such as "pauses it when more than 5 % of at least 50 devices within 24 h are bad, or …". */
export function describeGuard(settings: GuardSettings): string {
  if (!settings.isOn) return 'off'
  const { action, maxBadPercent, minimumSample, windowHours, maxTimesPrevious } = settings
  const worse = maxTimesPrevious === null ? '' : `, or it is ${maxTimesPrevious} times as bad as the release before`
  return `${ACTIONS[action]} when more than ${maxBadPercent} % of at least ${minimumSample} devices within ${windowHours} h are bad${worse}`
}

/** For a person. */
export function guardFields({ state, settings, figures, toTrip, goesBackTo, trip, looks, watchedSince }: Guard) {
  if (!settings.isOn) return { guard: 'off', 'tried it': describeShare(figures), ...leftOutFields(figures) }
  return {
    guard: describeGuard(settings),
    state: trip && state === 'tripped' ? `tripped at ${trip.at}: ${causeOf(trip.cause)}` : state,
    'watches since': `${watchedSince}, and has judged ${formatCount(looks, 'time')}`,
    'tried it': describeShare(figures),
    ...leftOutFields(figures),
    ...(figures.previous && { 'the release before': describeShare(figures.previous) }),
    'would trip at':
      toTrip === null
        ? 'no number of bad devices'
        : `${toTrip} bad of ${Math.max(figures.sample, settings.minimumSample)}`,
    ...(settings.action === 'roll-back' && {
      'goes back to': goesBackTo
        ? `${goesBackTo.version}${goesBackTo.isPrepared ? ', signed in advance' : ''}`
        : 'what the app binary shipped with',
    }),
    ...(trip && { 'tripped at': describeShare(trip.figures) }),
    ...(trip?.rolloutId && { 'rolled back by': trip.rolloutId }),
    ...(trip?.backTo && { 'went back to': describeBackTo(trip.backTo) }),
    ...(trip && trip.passedOver.length > 0 && { 'went past': trip.passedOver.map(describePassedOver).join(', ') }),
  }
}

function describeBackTo({ version, sequence }: NonNullable<GuardTrip['backTo']>): string {
  const what = version ?? 'what the app binary shipped with'
  return sequence === null ? `${what}, not signed in advance` : `${what}, signed in advance as sequence ${sequence}`
}

const PASSED_OVER = {
  'rolled-back-from': 'rolled back from',
  'taken-back': 'halted, or found wrong by its guard',
  'not-in-force': 'not in force',
  'for-some': 'not for everybody',
  'not-prepared': 'not signed in advance',
} as const satisfies Record<GuardTrip['passedOver'][number]['reason'], string>

const describePassedOver = ({ version, reason }: GuardTrip['passedOver'][number]) =>
  `${version} (${PASSED_OVER[reason]})`

function leftOutFields({ leftOut, withoutNetwork, sample }: GuardFigures): Record<string, string> {
  return {
    ...(leftOut.devices + leftOut.unprovenReports > 0 && { 'not believed': describeLeftOut(leftOut) }),
    // One machine's own fleet, or a proxy in between.
    ...(withoutNetwork > 0 && {
      'no network': `${withoutNetwork} of ${sample}: behind a proxy, set HOTPATCH_TRUST_PROXY`,
    }),
  }
}

function causeOf(cause: 'limit' | 'previous'): string {
  return cause === 'limit' ? 'above the limit' : 'much worse than the release before'
}

/** Such as "340 devices, 12 bad: 3.53 %, between 1.9 % and 6.1 %". */
function describeShare(share: Pick<GuardFigures, 'sample' | 'bad' | 'badPercent' | 'lowerPercent' | 'upperPercent'>) {
  const { sample, bad, badPercent, lowerPercent, upperPercent } = share
  if (sample === 0) return 'no devices yet'
  const percent = (value: number) => `${Number(value.toFixed(2))} %`
  return `${sample} devices, ${bad} bad: ${percent(badPercent)}, between ${percent(lowerPercent)} and ${percent(upperPercent)}`
}
