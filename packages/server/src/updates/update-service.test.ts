import {
  compileCatalog,
  inForce,
  type CatalogRollout,
  type ClientTakes,
  type ContentKindName,
} from '@hotpatch/protocol'
import { expect, test } from 'vitest'
import type { OfferedRelease } from './catalog-queries.ts'
import type { LiveCatalog } from './catalogs.ts'
import { createUpdateService, type UpdateCheck } from './update-service.ts'

const audience = {
  devices: [],
  cohorts: [],
  percentage: 100,
  salt: '',
  buckets: 10_000,
  rules: [],
  slice: null,
} as const

const kinds = ['archive', 'binary', 'binary'] as const satisfies ContentKindName[]
const rollouts = kinds.map((kind, index) => ({
  id: `rollout-${index}`,
  position: index,
  target: { id: `release-${index}`, version: `1.${index}.0`, sequence: index + 1, floor: 0, requirement: {}, kind },
  state: 'active',
  startsAt: null,
  mandatory: false,
  audience,
  restated: null,
}))
const place = { appId: 'app', platform: 'ios', channel: 'production', generation: 1 } as const
const catalog = {
  ...compileCatalog({ ...place, rollouts: rollouts as unknown as CatalogRollout<OfferedRelease>[] }),
  restatements: new Map(),
  labelNumbers: null,
} as LiveCatalog

const updates = createUpdateService({
  clock: { now: () => 1 },
  failedReleaseIds: () => [],
  cohortsOf: () => [],
  allowsDeviceCohorts: () => false,
  takesOf: (dialect, { sdkVersion }) =>
    ({ zips: ofKinds('archive'), binaries: ofKinds('binary'), kits: ofKinds(sdkVersion === '2' ? 'archive' : 'kit') })[
      dialect
    ],
})

function ofKinds(...taken: ContentKindName[]): ClientTakes {
  return { kinds: taken, forms: ['plain'], embedded: true }
}

function check(changes: Partial<UpdateCheck>): UpdateCheck {
  const nothing = { nativeVersion: undefined, runtimeVersion: undefined, failedReleaseIds: [], cohorts: [] }
  return { deviceId: 'device', current: { kind: 'embedded' }, ...nothing, ...changes }
}

test.each([
  ['zips', '1.0.0'],
  ['binaries', '1.2.0'],
  [undefined, '1.2.0'],
  ['of a server of before', '1.2.0'],
])('a device that speaks %s is offered %s', (dialect, version) => {
  expect(updates.answer(catalog, check({ dialect })).decision).toMatchObject({ kind: 'update', release: { version } })
})

test('a device that takes nothing of what there is, is told so, and keeps what it runs', () => {
  const kits = { dialect: 'kits' }
  expect(updates.answer(catalog, check(kits)).decision).toMatchObject({ kind: 'up-to-date', reason: 'kind-not-taken' })
  // What it told of itself may say more.
  const newer = check({ ...kits, attributes: { sdkVersion: '2' } })
  expect(updates.answer(catalog, newer).decision).toMatchObject({ kind: 'update', release: { version: '1.0.0' } })
  const running = check({ ...kits, current: { kind: 'release', id: 'release-1' } })
  expect(updates.answer(catalog, running).decision).toMatchObject({ kind: 'up-to-date', reason: 'runs-the-target' })
})

test('a feed has only what its clients can take', () => {
  const versions = (takes: ClientTakes) =>
    inForce(catalog, 1, { takes, judges: [] }).map(({ target }) => (target === 'embedded' ? null : target.version))
  expect(versions(ofKinds('archive'))).toEqual(['1.0.0'])
  expect(versions(ofKinds('archive', 'binary'))).toEqual(['1.2.0', '1.1.0', '1.0.0'])
  expect(versions({ ...ofKinds('archive'), forms: [{ algorithm: 'capgo-v2', keyId: 'MIIB' }] })).toEqual([])
})
