import type { Announcement } from '@hotpatch/api'

/** Such as "2027-01-01T00:00:00.000Z  rollout.paused  1.2.0 android production 10 % by ci". */
export function describeAnnouncement({ at, type, data }: Announcement): string {
  return [at, type.padEnd('rollout.withdrawn'.length), describeData(data)].join('  ').trimEnd()
}

/** Servers newer than this tool may tell what it does not know: it shows what it understands. */
function describeData(data: Announcement['data']): string {
  const subject = recordOf(data.rollout ?? data.release)
  const { version = subject.target, platform, channel, percentage } = subject
  const { by, action } = data
  const parts = [
    version,
    platform,
    channel,
    typeof percentage === 'number' ? `${percentage} %` : undefined,
    typeof action === 'string' ? `action ${action}` : undefined,
    typeof by === 'string' ? `by ${by}` : undefined,
  ]
  return parts.filter((part) => typeof part === 'string').join(' ')
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
