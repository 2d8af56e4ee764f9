import { inForce, type ClientTakes, type FeedReading, type Platform } from '@hotpatch/protocol'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs, LiveCatalog } from './catalogs.ts'
import type { Dialect, Feed, FeedRoute } from './dialect.ts'

/** What is in force for everyone (Decision §14), of one platform or of each that the app has. From memory. */
export function readFeed(
  catalogs: Catalogs,
  app: DirectoryEntry,
  asked: { platform: Platform | 'each'; channel: string },
  reading: FeedReading,
  now: number,
): Feed {
  const { platform, channel } = asked
  const of = (each: Platform) => inForceNow(catalogs.get(app, each, channel), reading, now)
  return platform === 'each' ? joined(app.platforms.map(of)) : of(platform)
}

/** A feed, and from when to when it is that, until the catalog changes. */
interface KnownFeed {
  feed: Feed
  from: number
  until: number
}

const known = new WeakMap<LiveCatalog, WeakMap<FeedReading, KnownFeed>>()

/** The same object as long as it is the same feed: what is made of it is made once. */
function inForceNow(catalog: LiveCatalog, reading: FeedReading, now: number): Feed {
  // Lists come and go by themselves.
  if (reading.takes.listed) return inForce(catalog, now, reading)
  const byReading = known.get(catalog) ?? new WeakMap<FeedReading, KnownFeed>()
  known.set(catalog, byReading)
  const last = byReading.get(reading)
  if (last && now >= last.from && now < last.until) return last.feed
  let [from, until] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (const { startsAt } of catalog.rollouts) {
    if (startsAt === null) continue
    if (startsAt <= now) from = Math.max(from, startsAt)
    else until = Math.min(until, startsAt)
  }
  const feed = inForce(catalog, now, reading)
  byReading.set(reading, { feed, from, until })
  return feed
}

const joinedFrom = new WeakMap<Feed, { parts: readonly Feed[]; feed: Feed }>()

/** The same object for the same parts. */
function joined(parts: readonly Feed[]): Feed {
  const [first, ...others] = parts
  if (!first || others.length === 0) return first ?? []
  const last = joinedFrom.get(first)
  if (last?.parts.length === parts.length && last.parts.every((part, index) => part === parts[index])) return last.feed
  const feed = parts.flat()
  joinedFrom.set(first, { parts, feed })
  return feed
}

const readings = new WeakMap<ClientTakes, WeakMap<FeedRoute['judges'], FeedReading>>()

/** How the clients of a route read its feed: the same object for those who take the same. */
export function readingOf(
  { takes }: Pick<Dialect, 'takes'>,
  { judges, picksHighest = false }: Pick<FeedRoute, 'judges' | 'picksHighest'>,
  attributes: Parameters<Dialect['takes']>[0] = {},
): FeedReading {
  const taken = takes(attributes)
  const byRoute = readings.get(taken) ?? new WeakMap<FeedRoute['judges'], FeedReading>()
  readings.set(taken, byRoute)
  const found = byRoute.get(judges)
  if (found?.picksHighest === picksHighest) return found
  const reading = { takes: taken, judges, picksHighest }
  byRoute.set(judges, reading)
  return reading
}
