import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HOUR_MS } from '../../ground/clock.ts'
import { nextMove, type Plan, type Situation } from './plan-steps.ts'

const NOW = Date.parse('2027-01-01T12:00Z')

const aPlan = (changes: Partial<Plan> = {}): Plan => ({
  state: 'running',
  steps: [
    { percentage: 1, bakeMinutes: 60, minimumSample: 50 },
    { percentage: 10, bakeMinutes: 240 },
    { percentage: 100, bakeMinutes: 0 },
  ],
  windows: [],
  step: 0,
  stepStartedAt: NOW - HOUR_MS,
  ...changes,
})
const aSituation = (changes: Partial<Situation> = {}): Situation => ({
  rolloutState: 'active',
  startsAt: null,
  isGuardGreen: true,
  attempted: 50,
  ...changes,
})
const office = [{ timeZone: 'Europe/Berlin', days: [1, 2, 3, 4], from: '09:00', to: '17:00' }]

describe('a plan', () => {
  test.each<[string, Partial<Plan>, Partial<Situation>, object]>([
    ['goes on when all is well', {}, {}, { kind: 'advance', toStep: 1 }],
    [
      'waits for its start',
      { stepStartedAt: null },
      { startsAt: NOW + 5 },
      { kind: 'wait', for: 'start', until: NOW + 5 },
    ],
    [
      'waits for the round that tells its start',
      { stepStartedAt: null },
      {},
      { kind: 'wait', for: 'start', until: NOW },
    ],
    ['waits while it is paused', {}, { rolloutState: 'paused' }, { kind: 'wait', for: 'paused' }],
    ['waits for its guard', {}, { isGuardGreen: false }, { kind: 'wait', for: 'guard' }],
    [
      'waits until it has baked',
      { stepStartedAt: NOW - HOUR_MS + 1 },
      {},
      { kind: 'wait', for: 'bake', until: NOW + 1 },
    ],
    ['waits for devices', {}, { attempted: 49 }, { kind: 'wait', for: 'sample', missing: 1 }],
    ['waits for no more than there are', {}, { attempted: 9, left: 3 }, { kind: 'wait', for: 'sample', missing: 3 }],
    ['lets a fleet show itself', {}, { attempted: 9, left: 0 }, { for: 'sample', until: NOW + 23 * HOUR_MS }],
    [
      'goes on when all who can have tried it, and a day has gone by',
      { stepStartedAt: NOW - 24 * HOUR_MS },
      { attempted: 1, left: 0 },
      { kind: 'advance', toStep: 1 },
    ],
    [
      'does not go on when nobody has tried it',
      { stepStartedAt: NOW - 240 * HOUR_MS },
      { attempted: 0, left: 0 },
      { kind: 'wait', for: 'sample', missing: 50 },
    ],
    [
      'waits for the last who can',
      { stepStartedAt: NOW - 240 * HOUR_MS },
      { attempted: 49, left: 1 },
      { kind: 'wait', for: 'sample', missing: 1 },
    ],
    [
      'waits for a window',
      { windows: office },
      {},
      { kind: 'wait', for: 'window', until: Date.parse('2027-01-04T08:00Z') },
    ],
    ['finishes after its last step', { step: 2 }, {}, { kind: 'finish' }],
    [
      'finishes outside its windows: no device gets anything by it',
      { step: 2, windows: office },
      {},
      { kind: 'finish' },
    ],
    [
      'does not finish while its guard is not green',
      { step: 2 },
      { isGuardGreen: false },
      { kind: 'wait', for: 'guard' },
    ],
    ['is over when it is finished', { state: 'finished' }, {}, { kind: 'over' }],
    ['is over when its rollout is halted', {}, { rolloutState: 'halted' }, { kind: 'over' }],
    ['is over when its rollout is withdrawn', {}, { rolloutState: 'withdrawn' }, { kind: 'over' }],
  ])('%s', (_case, plan, situation, expected) => {
    expect(nextMove(aPlan(plan), aSituation(situation), NOW)).toMatchObject(expected)
  })

  test.each<[string, Partial<Plan>, Partial<Situation>, string]>([
    ['a bake', { stepStartedAt: NOW }, {}, 'It stays at 1 % until 2027-01-01 13:00 UTC at least.'],
    ['a sample', {}, { attempted: 12 }, '12 of 50 devices have tried it at 1 %; 38 are missing.'],
    [
      'a small sample',
      {},
      { attempted: 12, left: 3 },
      '12 of 50 devices have tried it at 1 %; 38 are missing, but only 3 more can take it: when they have tried it, and the step is a day old, the plan goes on.',
    ],
    [
      'nobody',
      {},
      { attempted: 0, left: 0 },
      '0 of 50 devices have tried it at 1 %; 50 are missing, and nobody there can take it: advance the plan, or halt the rollout.',
    ],
    ['a window', { windows: office }, {}, 'It may go to 10 % when its next window opens, at 2027-01-04 08:00 UTC.'],
  ])('says in words what it waits for: %s', (_case, plan, situation, explanation) => {
    expect(nextMove(aPlan(plan), aSituation(situation), NOW)).toMatchObject({ explanation })
  })

  const anyPlan: fc.Arbitrary<Plan> = fc.record({
    state: fc.constantFrom('running' as const, 'finished' as const),
    steps: fc.array(
      fc.record({
        percentage: fc.integer({ min: 0, max: 100 }),
        bakeMinutes: fc.integer({ min: 0, max: 10_000 }),
        minimumSample: fc.integer({ min: 0, max: 1000 }),
      }),
      { minLength: 0, maxLength: 20 },
    ),
    windows: fc.constantFrom([], office),
    step: fc.integer({ min: 0, max: 25 }),
    stepStartedAt: fc.option(fc.integer({ min: NOW - 10_000 * 60_000, max: NOW + HOUR_MS })),
  })
  const anySituation: fc.Arbitrary<Situation> = fc.record({
    rolloutState: fc.constantFrom('active' as const, 'paused' as const, 'halted' as const, 'withdrawn' as const),
    startsAt: fc.option(fc.integer({ min: NOW - HOUR_MS, max: NOW + HOUR_MS })),
    isGuardGreen: fc.boolean(),
    attempted: fc.nat(4000),
    left: fc.option(fc.nat(50), { nil: undefined }),
  })

  test('goes on by one step, and only when nothing at all speaks against it', () => {
    fc.assert(
      fc.property(anyPlan, anySituation, (plan, situation) => {
        const move = nextMove(plan, situation, NOW)
        if (move.kind === 'wait' && move.until !== undefined) expect(move.until).toBeGreaterThanOrEqual(NOW)
        if (move.kind === 'wait' && move.missing !== undefined) expect(move.missing).toBeGreaterThan(0)
        if (move.kind !== 'advance' && move.kind !== 'finish') return
        const { bakeMinutes, minimumSample = 0 } = plan.steps[plan.step] ?? { bakeMinutes: Number.NaN }
        expect(plan.state).toBe('running')
        expect(situation).toMatchObject({ rolloutState: 'active', isGuardGreen: true })
        expect(situation.startsAt ?? 0).toBeLessThanOrEqual(NOW)
        expect((plan.stepStartedAt ?? Number.NaN) + bakeMinutes * 60_000).toBeLessThanOrEqual(NOW)
        const isWhole = situation.left === 0 && situation.attempted > 0
        const isDayOld = (plan.stepStartedAt ?? NOW) <= NOW - 24 * HOUR_MS
        expect(situation.attempted >= minimumSample || (isWhole && isDayOld)).toBe(true)
        if (move.kind === 'advance') expect(move.toStep).toBe(plan.step + 1)
        expect(plan.step === plan.steps.length - 1).toBe(move.kind === 'finish')
      }),
    )
  })

  test('that waits until a time has another reason, or goes on, when that time has come', () => {
    fc.assert(
      fc.property(anyPlan, anySituation, (plan, situation) => {
        const move = nextMove(plan, situation, NOW)
        if (move.kind !== 'wait' || move.until === undefined || plan.stepStartedAt === null) return
        expect(nextMove(plan, situation, move.until)).not.toMatchObject({ for: move.for })
      }),
    )
  })
})
