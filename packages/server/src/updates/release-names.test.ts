import { compileCatalog, type CatalogRollout } from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import type { OfferedRelease } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'
import { findByName, labelOf } from './release-names.ts'

const release = (id: string, sha256: string) =>
  ({ id, content: { kind: 'archive', sha256 }, version: id, requirement: {} }) as OfferedRelease
const audience = {
  devices: [],
  cohorts: [],
  percentage: 100,
  salt: '',
  buckets: 10_000,
  rules: [],
  slice: null,
} as const
const [one, two] = [release('one', 'a'), release('two', 'b')]
const rollouts = [
  { id: 'first', position: 1, target: one },
  { id: 'second', position: 2, target: two },
  { id: 'third', position: 5, target: 'embedded' },
  { id: 'again', position: 7, target: one },
].map((rollout) => ({ state: 'active', startsAt: null, mandatory: false, audience, restated: null, ...rollout }))

const catalog = {
  ...compileCatalog<OfferedRelease>({
    appId: 'app',
    platform: 'ios',
    channel: 'production',
    generation: 1,
    rollouts: rollouts as CatalogRollout<OfferedRelease>[],
  }),
  startedAt: new Map(),
  restatements: new Map(),
  labelNumbers: null,
} as LiveCatalog

test.each([
  [{ id: 'one' }, one],
  [{ id: 'embedded' }, undefined],
  [{ id: 'of another channel' }, undefined],
  [{ rolloutId: 'second' }, two],
  [{ rolloutId: 'again' }, one],
  [{ rolloutId: 'third' }, undefined],
  [{ rolloutId: 'of another channel' }, undefined],
  [{ label: 'v1' }, one],
  [{ label: 'v7' }, one],
  [{ label: 'v3' }, undefined],
  [{ sha256: 'b' }, two],
  [{ sha256: 'c' }, undefined],
])('%j', (name, expected) => {
  expect(findByName(catalog, name)).toBe(expected)
})

test('a label is of one rollout of the channel, and is never given again', () => {
  expect(catalog.rollouts.map(labelOf)).toEqual(['v7', 'v5', 'v2', 'v1'])
})
