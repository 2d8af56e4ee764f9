import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileCatalog, type Audience, type CatalogRelease, type CatalogRollout } from './catalog.ts'
import { decide, type Decision, type NativeUpdateNote } from './decide.ts'
import type { Device } from './device.ts'

type AudienceVector = Omit<Audience, 'rules' | 'slice'> & Partial<Pick<Audience, 'rules' | 'slice'>>

type Restated = NonNullable<CatalogRollout['restated']>
/** Of what is about no signature, the vectors name none. */
type TargetVector = Omit<CatalogRelease, 'keyId' | 'isStated'> & Partial<CatalogRelease>

interface DecisionVector {
  name: string
  rules: string[]
  comment: string
  rollouts: (Omit<CatalogRollout, 'audience' | 'target' | 'restated'> & {
    audience: AudienceVector
    target: TargetVector | 'embedded'
    restated: (Omit<Restated, 'keyId'> & Partial<Restated>) | null
  })[]
  device: Omit<Device, 'nativeVersion' | 'runtimeVersion'> & Record<'nativeVersion' | 'runtimeVersion', string | null>
  now: number
  expected: {
    kind: Decision['kind']
    reason: string
    releaseId: string | null
    rolloutId: string | null
    mandatory: boolean
    direction: 'forward' | 'back' | null
    nativeUpdate: NativeUpdateNote | null
  }
  trace?: { rolloutId: string; outcome: string; reasons: Record<string, string> }[]
}

const { cases } = JSON.parse(readFileSync(new URL('../../../vectors/decision.json', import.meta.url), 'utf8')) as {
  cases: DecisionVector[]
}

function answerTo({ rollouts, device, now }: DecisionVector, options?: { trace: boolean }): Decision {
  const catalog = compileCatalog({
    appId: 'app',
    platform: 'ios',
    channel: 'production',
    generation: 7,
    rollouts: rollouts.map(({ target, restated, ...rollout }) => ({
      ...rollout,
      target: target === 'embedded' ? target : { keyId: null, isStated: typeof target.keyId === 'string', ...target },
      restated: restated && { keyId: null, ...restated },
      audience: { rules: [], slice: null, ...rollout.audience },
    })),
  })
  const { nativeVersion, runtimeVersion, ...rest } = device
  const told = { nativeVersion: nativeVersion ?? undefined, runtimeVersion: runtimeVersion ?? undefined }
  return decide(catalog, { ...rest, ...told }, now, options)
}

function summarise(decision: Decision): DecisionVector['expected'] {
  const { kind, reason, nativeUpdate } = decision
  const isOffer = kind === 'update' || kind === 'embedded'
  return {
    kind,
    reason,
    releaseId: kind === 'update' ? decision.release.id : null,
    rolloutId: (isOffer && decision.rollout?.id) || null,
    mandatory: isOffer && decision.mandatory,
    direction: isOffer ? decision.direction : null,
    nativeUpdate,
  }
}

describe('vectors', () => {
  test.each(cases)('$name', (vector) => {
    expect(summarise(answerTo(vector))).toEqual(vector.expected)
    expect(summarise(answerTo({ ...vector, rollouts: vector.rollouts.toReversed() }))).toEqual(vector.expected)
  })

  test.each(cases.filter(({ trace }) => trace))('$name: the trace', (vector) => {
    const { trace } = answerTo(vector, { trace: true })
    expect(trace?.generation).toBe(7)
    const found = trace?.rollouts.map(({ rolloutId, outcome, verdicts }) => ({
      rolloutId,
      outcome,
      reasons: Object.fromEntries(verdicts.flatMap(({ rule, reason }) => (reason ? [[rule, reason]] : []))),
    }))
    expect(found).toEqual(vector.trace)
  })

  test('every rule has its vectors', () => {
    expect(new Set(cases.flatMap(({ rules }) => rules)).size).toBe(11)
  })
})

test('the trace has every rule of every rollout, also of those that were not reached', () => {
  const [vector] = cases.filter(({ name }) => name === 'the highest position is tried first')
  const { trace } = answerTo(vector as DecisionVector, { trace: true })
  expect(trace?.rollouts).toMatchObject([
    { position: 2, releaseId: 'release-1', version: '1.1.0', outcome: 'target' },
    { position: 1, releaseId: 'release-2', version: '1.2.0', outcome: 'not-reached' },
  ])
  for (const { verdicts } of trace?.rollouts ?? []) {
    expect(verdicts.map(({ rule }) => rule)).toEqual(['D2', 'D10', 'D4', 'D11', 'D5', 'D3'])
  }
})

test('equal positions, which no server makes, are told apart by id', () => {
  const [vector] = cases.filter(({ name }) => name === 'the highest position is tried first')
  const rollouts = (vector as DecisionVector).rollouts.map((rollout) => ({ ...rollout, position: 1 }))
  for (const order of [rollouts, rollouts.toReversed()]) {
    expect(summarise(answerTo({ ...(vector as DecisionVector), rollouts: order })).rolloutId).toBe('rollout-1')
  }
})

test.each([
  ['that has confirmed more than there is', { highWater: 5_000, keyIds: ['key'] }, 'below-high-water'],
  ['whose binary is newer than everything', { highWater: 0, keyIds: ['key'], builtAt: 5_000 }, 'older-than-binary'],
  ['that holds another key', { highWater: 0, keyIds: ['other'] }, 'key-not-trusted'],
])('a device %s does not cost a look at every rollout', (_case, told, reason) => {
  const trust = { floor: 0, heldReleaseId: null, ...told }
  const { decision, looks } = countLooks({ trust })
  expect(decision).toMatchObject({ kind: 'up-to-date', reason })
  expect(looks).toBeLessThan(10)
})

test.each([
  ['encrypted, where nothing is', [], []],
  ['encrypted for another key than all are', [{ algorithm: 'capgo-v2', keyId: 'MIIB-2' }], []],
  ['in no form at all', [], [{ algorithm: 'capgo-v2', keyId: 'MIIB-2' }]],
])('a client that takes releases %s does not cost a look at every rollout', (_case, forms, variants) => {
  const takes = { kinds: ['archive' as const], forms, embedded: true }
  const { decision, looks } = countLooks({ takes }, () => ({ variants }))
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'form-not-taken' })
  expect(looks).toBeLessThan(10)
})

test.each([
  ['takes nothing encrypted', ['plain' as const], 'encryption-not-taken'],
  [
    'has another key',
    ['plain' as const, { algorithm: 'hotpatch-v1', keyId: '2'.repeat(16) }],
    'decryption-key-not-held',
  ],
])('a client that %s does not cost a look at every encrypted release', (_case, forms, reason) => {
  const encryptedFor = [{ algorithm: 'hotpatch-v1', keyId: '1'.repeat(16) }]
  const takes = { kinds: ['archive' as const], forms, embedded: true }
  const { decision, looks } = countLooks({ takes }, () => ({ encryptedFor }))
  expect(decision).toMatchObject({ kind: 'up-to-date', reason })
  expect(looks).toBeLessThan(10)
})

test('a client that takes none of the files of binaries does not cost a look at every rollout', () => {
  const takes = {
    kinds: ['binary' as const],
    forms: ['plain' as const],
    embedded: true,
    binaries: { formats: ['msi'] },
  }
  const binaries = [{ format: 'exe', architecture: 'x64' }]
  const { decision, looks } = countLooks({ takes }, () => ({ kind: 'binary', binaries, version: '1.0.0' }))
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'form-not-taken' })
  expect(looks).toBeLessThan(10)
})

test('a client that lacks a file of a component does not cost a look at every kit', () => {
  const takes = {
    kinds: ['kit' as const],
    forms: ['plain' as const],
    embedded: false,
    components: { architectures: ['arm64'] },
  }
  const components = [{ id: 'gateway', architectures: ['x86_64'] }]
  const { decision, looks } = countLooks({ takes }, () => ({ kind: 'kit', components }))
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'form-not-taken' })
  expect(looks).toBeLessThan(10)
})

test.each([
  ['has confirmed more than there is', { highWater: 5_000 }, {}, 'below-high-water'],
  ['finds nothing signed', undefined, { keyId: null, isStated: false }, 'not-signed'],
])(
  'a client that takes nothing unsigned and %s does not cost a look at every rollout',
  (_case, told, content, reason) => {
    const takes = { kinds: ['archive' as const], forms: ['plain' as const], embedded: false, unsigned: false }
    const trust = told && { floor: 0, keyIds: [], heldReleaseId: null, ...told }
    const { decision, looks } = countLooks({ takes, trust }, () => content)
    expect(decision).toMatchObject({ kind: 'up-to-date', reason })
    expect(looks).toBeLessThan(10)
  },
)

test('a device that has the newest whole binary does not cost a look at every rollout', () => {
  const binary = (index: number) => ({ kind: 'binary' as const, version: `1.${index}.0` })
  const { decision, looks } = countLooks({ nativeVersion: '2.0' }, binary)
  expect(decision).toMatchObject({ kind: 'up-to-date', reason: 'not-newer' })
  expect(looks).toBeLessThan(10)
})

/** Of 1,000 rollouts, all for everybody. */
function countLooks(told: Partial<Device>, contentOf: (index: number) => Partial<CatalogRelease> = () => ({})) {
  const rollouts = Array.from({ length: 1_000 }, (_, index): CatalogRollout => {
    const [id, sequence] = [`release-${index}`, index + 1]
    const target = {
      id,
      version: id,
      sequence,
      requirement: {},
      floor: 0,
      keyId: 'key',
      isStated: true,
      statedAt: index,
      ...contentOf(index),
    }
    const audience = { devices: [], cohorts: [], percentage: 100, salt: '', rules: [], slice: null }
    const rest = { state: 'active', startsAt: null, mandatory: false, restated: null } as const
    return { id: `rollout-${index}`, position: index, target, audience: { ...audience, buckets: 10_000 }, ...rest }
  })
  const catalog = compileCatalog({ appId: 'app', platform: 'ios', channel: 'production', generation: 1, rollouts })
  let looks = 0
  const counted = new Proxy(catalog.rollouts, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1
      return Reflect.get(target, key) as unknown
    },
  })
  const device = { id: 'device-1', currentReleaseId: null, failedReleaseIds: [], cohorts: [], ...told }
  return { decision: decide({ ...catalog, rollouts: counted }, device, 0), looks }
}
