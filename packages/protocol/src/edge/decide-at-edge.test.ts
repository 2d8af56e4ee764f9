import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileCatalog, type Catalog, type CatalogRelease } from '../catalog.ts'
import { decide, type Decision } from '../decide.ts'
import type { Device } from '../device.ts'
import { compileEdgeCatalog, decideAtEdge, EDGE_TAKES } from './decide-at-edge.ts'
import { edgeCatalogOf, writeEdgeCatalog, type EdgeSource } from './edge-catalog.ts'
import { readEdgeCatalog } from './read-edge-catalog.ts'

const NOW = 1000
const IDS = ['release-1', 'release-2', 'release-3', 'release-4', 'release-5']

const requirement = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 1,
    arbitrary: fc.record(
      {
        minNativeVersion: fc.constantFrom('1', '2', '3'),
        nativeRange: fc.constantFrom('>=1 <3', '>=2 <4', 'no range'),
        runtimeVersion: fc.constantFrom('a', 'b'),
        minOsVersion: fc.constantFrom('2', 'new'),
        architectures: fc.constantFrom<string[]>(['arm64'], ['arm64', 'x64']),
      },
      { requiredKeys: [] },
    ),
  },
)
const keyId = fc.constantFrom(null, 'key-1', 'key-1', 'key-2')

const releases = fc
  .tuple(
    ...IDS.map(() =>
      fc.record({
        requirement,
        floor: fc.constantFrom(0, 0, 0, 1, 2),
        keyId,
        isStated: fc.boolean(),
        statedAt: fc.constantFrom(undefined, null, 1, 2, 3),
        kind: fc.constantFrom(undefined, undefined, undefined, 'archive' as const, 'binary' as const, 'files' as const),
        isEncrypted: fc.constantFrom(false, false, false, true),
      }),
    ),
  )
  .map((pool) =>
    pool.map(({ isEncrypted, ...release }, index): CatalogRelease => {
      const sequence = index + 1
      return {
        ...release,
        id: `release-${sequence}`,
        version: `1.${sequence}.0`,
        sequence,
        floor: Math.min(release.floor, sequence),
        isStated: release.keyId !== null && release.isStated,
        ...(isEncrypted && { encryptedFor: [{ algorithm: 'hotpatch-v1', keyId: 'abc' }] }),
      }
    }),
  )

const rule = fc.oneof(
  fc.record({ attribute: fc.constant('osVersion' as const), range: fc.constantFrom('>=1 <3', '>=2 <4', 'no range') }),
  fc.record({ attribute: fc.constant('model' as const), in: fc.subarray(['pixel 8', 'pixel 9*'], { minLength: 1 }) }),
  fc.record({ attribute: fc.constant('custom.plan' as const), notIn: fc.constant(['free']) }),
)

const audience = fc.record({
  devices: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(['device-1']) }),
  cohorts: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constant(['staff']) }),
  percentage: fc.constantFrom(0, 12.5, 50, 50, 100, 100, 100),
  salt: fc.constantFrom(undefined, '', 'salt'),
  buckets: fc.constantFrom(100 as const, 1_000 as const, 10_000 as const, 'code-push' as const),
  rules: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(rule, { minLength: 1, maxLength: 2 }) },
  ),
  slice: fc.constantFrom(null, null, null, { salt: 'arms', from: 0, to: 5000 }),
})

const catalogs = releases.chain((pool) =>
  fc
    .array(
      fc.record({
        target: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom(...pool) },
          { weight: 1, arbitrary: fc.constant('embedded' as const) },
        ),
        state: fc.constantFrom(
          'active' as const,
          'active' as const,
          'active' as const,
          'paused' as const,
          'halted' as const,
          'withdrawn' as const,
        ),
        awaitsApproval: fc.constantFrom(false, false, false, true),
        startsAt: fc.constantFrom(null, null, null, NOW, NOW + 1),
        mandatory: fc.constantFrom(false, false, true),
        mandatoryBelow: fc.constantFrom(null, null, '2'),
        audience,
        restated: fc.oneof(
          { weight: 4, arbitrary: fc.constant(null) },
          {
            weight: 1,
            arbitrary: fc.record({
              sequence: fc.integer({ min: 1, max: 9 }),
              floor: fc.constantFrom(0, 0, 1),
              keyId,
              statedAt: fc.constantFrom(undefined, null, 2),
            }),
          },
        ),
      }),
      { maxLength: 8 },
    )
    .map((rollouts): Catalog => {
      const placed = rollouts.map((rollout, index) => ({ ...rollout, id: `rollout-${index}`, position: index + 1 }))
      return { appId: 'app', platform: 'android', channel: 'beta', generation: 1, rollouts: placed }
    }),
)

const devices = fc.record({
  id: fc.constantFrom('device-1', 'device-2', 'device-3', 'gerät-📱'),
  nativeVersion: fc.constantFrom('1', '2', '3', 'unknown'),
  runtimeVersion: fc.constantFrom(undefined, 'a', 'b'),
  currentReleaseId: fc.constantFrom(null, null, ...IDS, 'of-another-channel'),
  failedReleaseIds: fc.oneof(fc.constant([]), fc.subarray(IDS, { maxLength: 2 })),
  cohorts: fc.constantFrom<string[]>([], [], ['staff']),
  attributes: fc.oneof(
    fc.constant(undefined),
    fc.record(
      {
        architecture: fc.constantFrom('ARM64', 'x64'),
        osVersion: fc.constantFrom('1', '2', '3'),
        model: fc.constantFrom('Pixel 8', 'pixel 9 pro', 'other'),
        'custom.plan': fc.constantFrom('free', 'paid'),
      },
      { requiredKeys: [] },
    ),
  ),
  trust: fc.record({
    highWater: fc.nat({ max: 5 }),
    floor: fc.constantFrom(0, 0, 1, 2),
    keyIds: fc.constantFrom(['key-1'], ['key-1', 'key-2']),
    heldReleaseId: fc.constantFrom(null, ...IDS),
    builtAt: fc.constantFrom(undefined, null, 2),
  }),
})

const source = (drawsByDeviceId: boolean): EdgeSource<CatalogRelease> => ({
  drawsByDeviceId,
  offerOf: ({ id }) => ({
    sha256: id.slice(-1).repeat(64),
    sizeBytes: 8,
    signature: 'c2ln',
    stated: { statement: 'e30=', statementSignature: 'c2ln' },
    notes: null,
  }),
  restatementOf: (id) => ({ statement: `of ${id}`, statementSignature: 'c2ln' }),
})

/** What a device does, and nothing of why. */
function outcomeOf(decision: Decision) {
  const { kind, nativeUpdate } = decision
  const isMove = kind === 'update' || kind === 'embedded'
  return {
    kind,
    nativeUpdate: nativeUpdate?.releaseId ?? null,
    ...(isMove && { rollout: decision.rollout?.id ?? null, mandatory: decision.mandatory }),
    ...(kind === 'update' && { release: decision.release.id }),
  }
}

function readBack(catalog: Catalog, drawsByDeviceId: boolean, maxRollouts?: number) {
  const edge = edgeCatalogOf(compileCatalog(catalog), NOW, source(drawsByDeviceId), maxRollouts)
  return { edge, text: writeEdgeCatalog(edge), compiled: compileEdgeCatalog(readEdgeCatalog(writeEdgeCatalog(edge))) }
}

/** Of another kind nothing runs on a device of the edge. */
function runsArchive(catalog: Catalog, { currentReleaseId }: Device): boolean {
  const targets = catalog.rollouts.flatMap(({ target }) => (target === 'embedded' ? [] : [target]))
  const kind = targets.find(({ id }) => id === currentReleaseId)?.kind
  return kind === undefined || kind === 'archive'
}

let decided = 0
let asked = 0

test('Static edge §8: whatever an edge decides, the server decides', () => {
  const maxRollouts = fc.constantFrom(undefined, undefined, 2, 4)
  fc.assert(
    fc.property(catalogs, devices, fc.boolean(), maxRollouts, (catalog, device, drawsByDeviceId, most) => {
      fc.pre(runsArchive(catalog, device))
      const { compiled } = readBack(catalog, drawsByDeviceId, most)
      const atEdge = decideAtEdge(compiled, device, NOW)
      if (atEdge.kind === 'asks-server') {
        asked += 1
        return
      }
      decided += 1
      const ofServer = decide(compileCatalog(catalog), { ...device, takes: EDGE_TAKES }, NOW)
      expect(outcomeOf(atEdge.decision)).toEqual(outcomeOf(ofServer))
    }),
    { numRuns: 2000 },
  )
  // It is not by asking that it is right.
  expect(decided).toBeGreaterThan(asked / 3)
})

test('what was taken back before it began is not where a device got its release from', () => {
  const everybody = { devices: [], cohorts: [], percentage: 100, buckets: 100 as const, rules: [], slice: null }
  const release = (sequence: number): CatalogRelease => ({
    id: `release-${sequence}`,
    version: `1.${sequence}.0`,
    sequence,
    requirement: {},
    floor: 0,
    keyId: 'key-1',
    isStated: true,
  })
  const rollout = { state: 'active' as const, startsAt: null, mandatory: false, restated: null }
  const staff = { ...everybody, percentage: 0, cohorts: ['staff'] }
  const catalog: Catalog = {
    appId: 'app',
    platform: 'android',
    channel: 'beta',
    generation: 1,
    rollouts: [
      { ...rollout, id: 'must', position: 1, target: release(1), mandatory: true, audience: staff },
      {
        ...rollout,
        id: 'early',
        position: 2,
        target: release(2),
        state: 'withdrawn',
        startsAt: NOW + 1,
        audience: staff,
      },
      { ...rollout, id: 'newest', position: 3, target: release(3), audience: everybody },
    ],
  }
  const trust = { highWater: 0, floor: 0, keyIds: ['key-1'], heldReleaseId: null }
  const device = { id: 'device-1', nativeVersion: '1', currentReleaseId: 'release-2', failedReleaseIds: [], trust }
  const ofServer = decide(compileCatalog(catalog), { ...device, cohorts: ['staff'], takes: EDGE_TAKES }, NOW)
  expect(outcomeOf(ofServer)).toMatchObject({ release: 'release-3', mandatory: true })
  expect(decideAtEdge(readBack(catalog, true).compiled, { ...device, cohorts: [] }, NOW).kind).toBe('asks-server')
})

test('a catalog without secrets is decided at the edge whole', () => {
  fc.assert(
    fc.property(catalogs, devices, (catalog, device) => {
      fc.pre(runsArchive(catalog, device))
      const rollouts = catalog.rollouts
        .filter(({ target }) => target === 'embedded' || !target.encryptedFor)
        // What has not begun is a secret, too.
        .map((rollout) => ({ ...rollout, startsAt: null, awaitsApproval: false }))
        .map((rollout) => ({ ...rollout, audience: { ...rollout.audience, devices: [], cohorts: [], rules: [] } }))
      const open = { ...catalog, rollouts }
      const isKnown =
        device.currentReleaseId === null ||
        rollouts.some(({ target }) => target !== 'embedded' && target.id === device.currentReleaseId)
      fc.pre(isKnown)
      expect(decideAtEdge(readBack(open, true).compiled, device, NOW).kind).toBe('decided')
    }),
  )
})

test('no device, no cohort and no word of the app’s own gets into a file', () => {
  fc.assert(
    fc.property(catalogs, fc.boolean(), (catalog, drawsByDeviceId) => {
      const { text } = readBack(catalog, drawsByDeviceId)
      expect(text).not.toMatch(/device-1|staff|custom\.|free/)
    }),
  )
})

test('of a hashed app no rollout for a part of the fleet is in it', () => {
  fc.assert(
    fc.property(catalogs, (catalog) => {
      const { edge } = readBack(catalog, false)
      for (const rollout of edge.rollouts) {
        if (rollout.kind === 'open' && rollout.audience.slice === null)
          expect([0, 100]).toContain(rollout.audience.percentage)
      }
    }),
  )
})

test('what has not begun, or waits for a second person, is not told', () => {
  fc.assert(
    fc.property(catalogs, (catalog) => {
      const { edge } = readBack(catalog, true)
      const waiting = catalog.rollouts.filter((rollout) => rollout.startsAt === NOW + 1 || rollout.awaitsApproval)
      const hidden = waiting.filter(({ state }) => state === 'active' || state === 'paused')
      const ids = edge.rollouts.flatMap((rollout) => (rollout.kind === 'open' ? [rollout.id] : []))
      for (const { id } of hidden) expect(ids).not.toContain(id)
    }),
  )
})
