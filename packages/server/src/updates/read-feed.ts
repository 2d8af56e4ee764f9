import { inForce, type FeedReading, type Platform } from '@hotpatch/protocol'
import type { DirectoryEntry } from './catalog-queries.ts'
import type { Catalogs } from './catalogs.ts'
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
  const of = (each: Platform) => inForce(catalogs.get(app, each, channel), now, reading)
  return platform === 'each' ? app.platforms.flatMap(of) : of(platform)
}

/** How the clients of a route read its feed. */
export function readingOf(
  { takes }: Pick<Dialect, 'takes'>,
  { judges, picksHighest = false }: Pick<FeedRoute, 'judges' | 'picksHighest'>,
  attributes: Parameters<Dialect['takes']>[0] = {},
): FeedReading {
  return { takes: takes(attributes), judges, picksHighest }
}
