import { styleText } from 'node:util'
import type { Announcement, ManagementClient, Rollout, TrippedGuard } from '@hotpatch/api'

/** What the server announces that it did by itself, in words. */
export async function narrate(
  api: ManagementClient,
  { app, signal, say, onTrip }: { app: string; signal: AbortSignal; say: (text: string) => void; onTrip: () => void },
): Promise<void> {
  // A trip is one change with several announcements, in any order: it is told from its cause to its end.
  let trip: Announcement[] = []
  try {
    for await (const event of api.streamAnnouncements({ app, signal })) {
      if (event.kind !== 'announcement') continue
      const { announcement } = event
      if (!TRIP.includes(announcement.type)) {
        tell(announcement)
        continue
      }
      trip.push(announcement)
      if (trip.length < TRIP.length) continue
      for (const type of TRIP) trip.filter((part) => part.type === type).forEach(tell)
      trip = []
      onTrip()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }

  function tell(announcement: Announcement): void {
    const text = describe(announcement)
    if (text !== undefined) say(text)
  }
}

const TRIP: readonly string[] = ['guard.tripped', 'rollout.halted', 'rollback']

function describe({ type, data }: Announcement): string | undefined {
  const { version, percentage } = (data.rollout ?? {}) as Partial<Rollout>
  switch (type) {
    case 'rollout.advanced':
      return `The server, by itself: ${version} looks well, and goes to ${percentage} %.`
    case 'rollout.finished':
      return `The server, by itself: ${version} is on its way to all, and its plan is done.`
    case 'guard.tripped':
      return styleText('yellow', describeTrip(data as unknown as TrippedGuard))
    case 'rollout.halted':
      return styleText('green', `The server, by itself: ${version} is halted. Nobody else gets it.`)
    case 'rollback':
      return styleText(
        'green',
        `The server, by itself: ${version} is on top again, as its publisher had signed in advance.`,
      )
    default:
      return undefined
  }
}

function describeTrip({ rollout, figures }: TrippedGuard): string {
  const { bad, sample, lowerPercent, confidencePercent, maxBadPercent } = figures
  return (
    `The guard of ${rollout.version}: it went bad on ${bad} of the ${sample} phones that tried it. So it would on at least ` +
    `${Math.floor(lowerPercent)} % of all, ${confidencePercent.toFixed(1)} % certain; the limit is ${maxBadPercent} %.`
  )
}
