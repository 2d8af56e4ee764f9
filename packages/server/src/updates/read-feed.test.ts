import { compileCatalog, type CatalogRollout, type ClientTakes, type Platform } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import type { DirectoryEntry, OfferedRelease } from './catalog-queries.ts'
import type { Catalogs, LiveCatalog } from './catalogs.ts'
import { readFeed, readingOf } from './read-feed.ts'

const TAKES: ClientTakes = { kinds: ['binary'], forms: ['plain'], embedded: false }
const ROUTE = { judges: [] }
const audience = { devices: [], cohorts: [], percentage: 100, salt: '', buckets: 10_000, rules: [], slice: null }

function catalogOf(platform: Platform, startTimes: readonly (number | null)[]): LiveCatalog {
  const rollouts = startTimes.map((startsAt, index) => ({
    id: `${platform}-${index + 1}`,
    position: index,
    target: {
      id: `release-${index}`,
      version: `1.${index}.0`,
      sequence: index + 1,
      floor: 0,
      requirement: {},
      kind: 'binary',
    },
    state: 'active',
    startsAt,
    mandatory: false,
    audience,
    restated: null,
  }))
  const place = { appId: 'app', platform, channel: 'production', generation: 1 }
  return compileCatalog({ ...place, rollouts: rollouts as unknown as CatalogRollout<OfferedRelease>[] }) as LiveCatalog
}

function reader(places: Partial<Record<Platform, LiveCatalog>>) {
  const catalogs = { get: (_app: unknown, platform: Platform) => places[platform] } as unknown as Catalogs
  const app = { platforms: Object.keys(places) } as unknown as DirectoryEntry
  return (platform: Platform | 'each', now: number, takes = TAKES) =>
    readFeed(catalogs, app, { platform, channel: 'production' }, readingOf({ takes: () => takes }, ROUTE), now)
}

const idsOf = (feed: readonly { id: string }[]) => feed.map(({ id }) => id)

test('a feed is worked out once, and again when something starts, or when the clock was set back', () => {
  const read = reader({ linux: catalogOf('linux', [null, 200, 100]) })
  const before = read('linux', 99)
  expect(idsOf(before)).toEqual(['linux-1'])
  expect(read('linux', 0)).toBe(before)
  const between = read('linux', 100)
  expect(idsOf(between)).toEqual(['linux-3', 'linux-1'])
  expect(read('linux', 199)).toBe(between)
  expect(idsOf(read('linux', 200))).toEqual(['linux-3', 'linux-2', 'linux-1'])
  expect(read('linux', 10_000)).toBe(read('linux', 200))
  expect(idsOf(read('linux', 99))).toEqual(['linux-1'])
})

test('a new generation of the catalog has feeds of its own, and so have readers who take something else', () => {
  const places = { linux: catalogOf('linux', [null]) }
  const read = reader(places)
  const feed = read('linux', 1)
  const archives: ClientTakes = { ...TAKES, kinds: ['archive'] }
  expect(idsOf(read('linux', 1, archives))).toEqual([])
  expect(read('linux', 1)).toBe(feed)
  places.linux = catalogOf('linux', [null, null])
  expect(idsOf(read('linux', 1))).toEqual(['linux-2', 'linux-1'])
})

test('that of each platform is put together anew when one of them is another', () => {
  const places = { linux: catalogOf('linux', [null]), windows: catalogOf('windows', [null, 100]) }
  const read = reader(places)
  const feed = read('each', 1)
  expect(idsOf(feed)).toEqual(['linux-1', 'windows-1'])
  expect(read('each', 2)).toBe(feed)
  expect(idsOf(read('each', 100))).toEqual(['linux-1', 'windows-2', 'windows-1'])
  places.linux = catalogOf('linux', [])
  expect(idsOf(read('each', 100))).toEqual(['windows-2', 'windows-1'])
})
