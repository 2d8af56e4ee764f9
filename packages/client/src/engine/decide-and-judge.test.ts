import {
  compileCatalog,
  decide,
  refusalReason,
  type CatalogRelease,
  type CatalogRollout,
  type CompiledRollout,
  type Decision,
  type Device as DecidedDevice,
  type RefusalReason,
  type SdkCode,
  utf8FromText,
} from '@hotpatch/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { binaryOf } from '../ground/binary.ts'
import { writeJson } from '../ground/json-file.ts'
import { writeMarker } from '../state/release-tree.ts'
import { freshState, type InstalledRelease, type StoredState } from '../state/stored-state.ts'
import { METADATA, ROOT, SLOTS } from '../state/storage-layout.ts'
import { createDevice } from '../testing/device.ts'
import { createFakeServer } from '../testing/fake-server.ts'
import { createPublisher, type PublishedRelease } from '../testing/publisher.ts'

/** The keys that there are; a device holds some, none or a third one only. */
const publishers = { one: createPublisher(), other: createPublisher() }
type Name = keyof typeof publishers
const STRANGER = createPublisher()

const FAR = [1_000_003, 1_000_007, 1_000_012, 2_000_020]
const sequence = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(...FAR) },
)
/** Of the day that the devices' clocks begin with: statements and binaries are made in it, some binaries later. */
const hour = fc.integer({ min: 0, max: 5 })
const timeAt = (at: number) => Date.UTC(2025, 11, 31, at)

const signer = fc.constantFrom<Name | null>('one', 'one', 'one', 'other', null)

interface PooledRelease {
  index: number
  signer: Name | null
  isStated: boolean
  sequence: number
  floor: number
  minNativeVersion: string | undefined
  hour: number
}

const pool = fc.array(
  fc.record({
    signer,
    isBare: fc.integer({ max: 9, min: 0 }),
    sequence,
    floor: fc.constantFrom(0, 0, 0, 0, 2, 5),
    minNativeVersion: fc.constantFrom(undefined, undefined, undefined, '2', '1'),
    hour,
  }),
  { minLength: 1, maxLength: 5 },
)

const rollouts = fc.array(
  fc.record({
    target: fc.nat({ max: 5 }),
    state: fc.constantFrom(
      'active' as const,
      'active' as const,
      'active' as const,
      'paused' as const,
      'halted' as const,
      'withdrawn' as const,
    ),
    percentage: fc.constantFrom(100, 100, 100, 0),
    restated: fc.option(
      fc.record({
        sequence,
        floor: fc.constantFrom(0, 0, 0, 2),
        by: fc.constantFrom<Name>('one', 'one', 'other'),
        hour,
      }),
      { freq: 2 },
    ),
    isMandatory: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)

const states = fc.record({
  keys: fc.constantFrom<(Name | 'stranger')[]>(
    [],
    ['one'],
    ['one'],
    ['one'],
    ['other'],
    ['one', 'other'],
    ['stranger'],
  ),
  highWater: fc.oneof({ weight: 6, arbitrary: fc.nat({ max: 12 }) }, { weight: 1, arbitrary: fc.constantFrom(...FAR) }),
  floor: fc.constantFrom(0, 0, 0, 0, 1, 4, 9),
  current: fc.option(fc.nat({ max: 4 })),
  previous: fc.option(fc.record({ of: fc.nat({ max: 4 }), sequence: fc.nat({ max: 12 }), isWhole: fc.boolean() })),
  built: fc.constantFrom(undefined, undefined, undefined, 1, 3, 5, 1_000),
  failed: fc.constantFrom<number[]>([], [], [], [0], [1, 2]),
})

const worlds = fc.record({ pool, rollouts, states })
type World = typeof worlds extends fc.Arbitrary<infer Value> ? Value : never

/** Signing costs the most: the same statement is signed once. */
const signed = new Map<string, PublishedRelease>()

function publishedOf(
  release: PooledRelease,
  by: Name,
  at: { sequence: number; floor: number; hour: number },
): PublishedRelease {
  const name = JSON.stringify([release, by, at])
  const known = signed.get(name)
  if (known) return known
  const { minNativeVersion } = release
  const requirement = minNativeVersion === undefined ? {} : { minNativeVersion }
  const made = publishers[by].publish({
    version: `1.${release.index}.0`,
    releaseId: `release-${release.index}`,
    sequence: at.sequence,
    floor: at.floor,
    files: { 'index.bundle': `release ${release.index}` },
    statement: { requirement, createdAt: new Date(timeAt(at.hour)).toISOString() },
  })
  signed.set(name, made)
  return made
}

const orders = new Map<string, { statement: string; statementSignature: string }>()

function orderOf(by: Name, { sequence, floor }: { sequence: number; floor: number }) {
  const name = `${by} ${sequence} ${floor}`
  const order = orders.get(name) ?? publishers[by].orderEmbedded(sequence, floor)
  orders.set(name, order)
  return order
}

interface OfferedRelease extends CatalogRelease {
  pooled: PooledRelease
}

function buildCatalog(world: World) {
  const releases = world.pool.map(({ isBare, ...release }, index): OfferedRelease => {
    const floor = Math.min(release.floor, release.sequence)
    const isStated = release.signer !== null && isBare > 0
    const { minNativeVersion } = release
    return {
      id: `release-${index}`,
      version: `1.${index}.0`,
      sequence: release.sequence,
      floor,
      keyId: release.signer && publishers[release.signer].keyId,
      isStated,
      statedAt: timeAt(release.hour),
      requirement: minNativeVersion === undefined ? {} : { minNativeVersion },
      pooled: { ...release, index, isStated, floor },
    }
  })
  const placed = world.rollouts.map((rollout, index): CatalogRollout<OfferedRelease> => {
    const { restated, percentage, state, isMandatory } = rollout
    const own = restated && {
      sequence: restated.sequence,
      floor: Math.min(restated.floor, restated.sequence),
      keyId: publishers[restated.by].keyId,
      statedAt: timeAt(restated.hour),
      hour: restated.hour,
      by: restated.by,
    }
    return {
      id: `rollout-${index}`,
      position: index,
      target: releases[rollout.target] ?? 'embedded',
      state,
      startsAt: null,
      mandatory: isMandatory,
      audience: { devices: [], cohorts: [], percentage, salt: '', buckets: 10_000, rules: [], slice: null },
      restated: own,
    }
  })
  return compileCatalog({ appId: 'app', platform: 'android', channel: 'production', generation: 1, rollouts: placed })
}

type Placed = CompiledRollout<OfferedRelease> & { restated: { hour?: number; by?: Name } | null }

const UNSIGNED = { statement: null, statementSignature: null }

/** What the server sends for a rollout, in the words of React Native §2. */
function answerFor(rollout: Placed | null): Record<string, unknown> {
  const target = rollout?.target ?? 'embedded'
  const own = rollout?.restated
  const by = own?.by
  if (target === 'embedded') {
    const order = own && by ? orderOf(by, own) : UNSIGNED
    return { updateAvailable: false, rollBackTo: 'embedded', mandatory: false, reason: 'percentage', ...order }
  }
  const { pooled } = target
  const content = publishedOf(pooled, pooled.signer ?? 'one', pooled)
  const plain = pooled.isStated ? content : UNSIGNED
  const { statement, statementSignature } = own && by ? publishedOf(pooled, by, { hour: 0, ...own }) : plain
  return {
    updateAvailable: true,
    bundleUrl: `https://updates.test/artifacts/${content.sha256}`,
    hash: content.sha256,
    sizeBytes: content.bundle.length,
    signature: pooled.signer === null ? null : content.signature,
    mandatory: rollout?.mandatory ?? false,
    version: target.version,
    releaseId: target.id,
    direction: 'forward',
    reason: 'percentage',
    notes: '',
    statement,
    statementSignature,
  }
}

/** The release as it lies on a device that took it. */
function installed(world: World, of: number, sequence: number): InstalledRelease | null {
  const release = buildCatalogRelease(world, of)
  if (!release) return null
  const { sha256 } = publishedOf(release, release.signer ?? 'one', release)
  return { releaseId: `release-${of}`, version: `1.${of}.0`, sequence, sha256 }
}

function buildCatalogRelease(world: World, index: number): PooledRelease | undefined {
  const found = world.pool[index]
  if (!found) return undefined
  const { isBare, ...release } = found
  const floor = Math.min(release.floor, release.sequence)
  return { ...release, index, isStated: release.signer !== null && isBare > 0, floor }
}

/** A device in this state, with the real engine, whose checks `answer` answers. */
async function deviceIn(world: World, answer: (told: Record<string, unknown>) => Record<string, unknown>) {
  const { keys, highWater, floor, current, previous, built, failed } = world.states
  const server = createFakeServer()
  const publicKeys = keys.map((name) => (name === 'stranger' ? STRANGER : publishers[name]).publicKey)
  const device = createDevice({ server, publicKeys })
  if (built !== undefined) device.host.builtAt = timeAt(built)
  const files = device.disk()
  const active = current === null ? null : installed(world, current, Math.min(highWater, 3))
  const kept = previous && installed(world, previous.of, previous.sequence)
  const state: StoredState = {
    ...freshState(binaryOf(device.host)),
    highWater,
    floor,
    active: active && { ...active, standing: 'confirmed' },
    previous: kept,
    failed: failed.flatMap((index) => {
      const release = installed(world, index, 0)
      return release ? [{ ...release, code: 'not-confirmed' as const }] : []
    }),
  }
  for (const directory of [ROOT, SLOTS.bundle, SLOTS.previous]) await files.makeDirectory(directory)
  if (active) await writeMarker(files, SLOTS.bundle, { release: active, files: [] })
  if (kept && previous.isWhole) await writeMarker(files, SLOTS.previous, { release: kept, files: [] })
  await writeJson(files, METADATA, state)
  server.intercept = (request) => {
    if (!request.url.endsWith('/update/check')) return undefined
    const told = JSON.parse(request.body ?? '') as Record<string, unknown>
    return { status: 200, body: utf8FromText(JSON.stringify(answer(told))) }
  }
  await device.boot()
  return device
}

function readDevice(told: Record<string, unknown>): DecidedDevice {
  const { releaseId, failedReleaseIds, nativeVersion, heldReleaseId, embeddedBuiltAt } = told
  return {
    id: 'device-1',
    nativeVersion: nativeVersion as string,
    currentReleaseId: (releaseId as string | undefined) ?? null,
    failedReleaseIds: failedReleaseIds as string[],
    cohorts: [],
    trust: {
      highWater: told.highestSequence as number,
      floor: told.floor as number,
      keyIds: told.trustedKeys as string[],
      heldReleaseId: (heldReleaseId as string | undefined) ?? null,
      builtAt: embeddedBuiltAt as number | undefined,
    },
  }
}

test('never is anything offered that the device would refuse', async () => {
  const seen = new Map<string, number>()
  const property = fc.asyncProperty(worlds, async (world) => {
    const catalog = buildCatalog(world)
    let decision: Decision<OfferedRelease> | undefined
    const device = await deviceIn(world, (told) => {
      decision = decide(catalog, readDevice(told), 0)
      if (decision.kind === 'update' || decision.kind === 'embedded') return answerFor(decision.rollout)
      return { updateAvailable: false, reason: decision.reason }
    })
    const outcome = await device.engine.check()
    const isOffer = decision?.kind === 'update' || decision?.kind === 'embedded'
    const expected = { update: 'available', embedded: 'available-embedded' } as Record<string, string>
    expect(outcome).toMatchObject({ kind: isOffer ? expected[decision?.kind ?? ''] : 'up-to-date' })
    const name = isOffer ? (decision?.kind ?? '') : (decision?.reason ?? '')
    seen.set(name, (seen.get(name) ?? 0) + 1)
  })
  await fc.assert(property, { numRuns: 1500 })
  // The worlds are not all the same one.
  expect([...seen.keys()]).toEqual(
    expect.arrayContaining([
      'update',
      'embedded',
      'below-high-water',
      'key-not-trusted',
      'not-signed',
      'older-than-binary',
    ]),
  )
})

const REFUSALS: Partial<Record<SdkCode, RefusalReason>> = {
  'sequence-too-low': 'below-high-water',
  'below-floor': 'below-device-floor',
  'signature-invalid': 'key-not-trusted',
  'signature-missing': 'not-signed',
  'sequence-too-far': 'sequence-too-far',
  'older-than-binary': 'older-than-binary',
}

test('what a device refuses and what D11 says of it are the same, rollout by rollout', async () => {
  const seen = new Set<string | undefined>()
  const property = fc.asyncProperty(worlds, fc.nat(), async (world, which) => {
    const { rollouts } = buildCatalog({ ...world, states: { ...world.states, failed: [] } })
    const rollout = rollouts[which % rollouts.length]
    // Another binary's release is D3's to judge, which comes after.
    if (!rollout || (rollout.target !== 'embedded' && rollout.target.pooled.minNativeVersion === '2')) return
    let expected: RefusalReason | undefined
    const device = await deviceIn({ ...world, states: { ...world.states, failed: [] } }, (told) => {
      expected = refusalReason(rollout, readDevice(told), {})
      return answerFor(rollout)
    })
    const outcome = await device.engine.check()
    const refusal = outcome.kind === 'failed' ? (REFUSALS[outcome.code] ?? outcome.code) : undefined
    expect(refusal).toBe(expected)
    seen.add(refusal)
  })
  await fc.assert(property, { numRuns: 1500 })
  expect([...seen]).toEqual(expect.arrayContaining([undefined, ...Object.values(REFUSALS)]))
})
