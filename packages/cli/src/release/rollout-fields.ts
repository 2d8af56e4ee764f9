import type { Rollout } from '@hotpatch/api'
import { formatVersion } from '../output/figures.ts'
import { audienceLines } from './rollout-audience.ts'

/** What a person wants to know of a rollout: the same wherever one is shown. */
export function rolloutFields(rollout: Rollout) {
  const { id, version, target, platform, channel, position, state, percentage, slice, mandatory, mandatoryBelow } =
    rollout
  const { startsAt, guard, coveredBy, updatedAt } = rollout
  return {
    id,
    version: version ?? target,
    platform,
    channel,
    position,
    state,
    ...(coveredBy && {
      covered: `by ${formatVersion(coveredBy.version)} for everybody: only devices that cannot take that get this`,
    }),
    percentage,
    ...(slice !== null && { share: `${(slice.to - slice.from) / 100} % of those, as an arm of an A/B test` }),
    ...audienceLines(rollout),
    mandatory,
    ...(mandatoryBelow !== null && { 'mandatory below': mandatoryBelow }),
    ...(guard && { guard: guard.isOn ? `${guard.action}, ${guard.state}` : 'off' }),
    ...(startsAt !== null && { startsAt }),
    updatedAt,
  }
}

/** What `--dry-run --json` prints: a rollout that there is not, so it has no id, place in order or sequence of its own. */
export function rehearsedRollout(
  { id: _id, position: _position, sequence: _sequence, ...rollout }: Rollout,
  signs: unknown[],
) {
  return { dryRun: true, ...rollout, signs }
}
