import { compileCatalog, type CatalogRollout, type RolloutState } from '@hotpatch/protocol'
import fc from 'fast-check'
import type { OfferedAnswer } from '../../shipping/signed-answers/signed-answer-queries.ts'
import type { OfferedRelease } from '../../updates/catalog-queries.ts'
import type { LiveCatalog } from '../../updates/catalogs.ts'

type Rollout = CatalogRollout<OfferedRelease>
type Placing = Pick<Rollout, 'audience' | 'startsAt'> & Partial<Pick<Rollout, 'startedAt'>>

/** The rollouts of one catalog, which is compiled anew whenever somebody places or changes one. */
export function createRollouts(embeddedAnswers?: OfferedAnswer[]) {
  const rollouts: Rollout[] = []
  let catalog = compiled()

  function compiled(): LiveCatalog {
    const place = { appId: 'app', platform: 'android', channel: 'production', generation: 1 } as const
    const made = compileCatalog<OfferedRelease>({ ...place, rollouts, ...(embeddedAnswers && { embeddedAnswers }) })
    return { ...made, restatements: new Map(), embeddedAnswers, labelNumbers: null }
  }

  function compile(): void {
    catalog = compiled()
  }

  function place(target: OfferedRelease | 'embedded', placing: Placing): void {
    rollouts.push({
      id: `01890000-0000-7000-9000-${String(rollouts.length).padStart(12, '0')}`,
      position: rollouts.length + 1,
      target,
      state: 'active',
      mandatory: false,
      restated: null,
      ...placing,
    })
    compile()
  }

  function findTarget(is: (release: OfferedRelease) => boolean): OfferedRelease | undefined {
    for (const { target } of rollouts) if (target !== 'embedded' && is(target)) return target
    return undefined
  }

  /** What has ended stays as it is. */
  function change({ which, ...step }: ChangeStep, now: number): void {
    const at = rollouts.length === 0 ? -1 : which % rollouts.length
    const rollout = rollouts[at]
    if (!rollout || rollout.state === 'halted' || rollout.state === 'withdrawn') return
    rollouts[at] = { ...rollout, ...changesOf(step, rollout, now) }
    compile()
  }

  return { catalog: () => catalog, compile, place, findTarget, change }
}

/** What somebody does to a rollout: the one of that number, counted around. */
export type ChangeStep =
  | { do: 'end'; state: RolloutState; which: number }
  | { do: 'pause' | 'resume' | 'widen'; which: number }

type Change<Step = ChangeStep> = Step extends ChangeStep ? Omit<Step, 'which'> : never

function changesOf(step: Change, { audience }: Rollout, now: number): Partial<Rollout> {
  switch (step.do) {
    case 'end':
      return { state: step.state, endedAt: now }
    case 'pause':
      return { state: 'paused' }
    case 'resume':
      return { state: 'active' }
    case 'widen':
      return { audience: { ...audience, percentage: 100 } }
  }
}

export const which = fc.nat(20)

/** As they are weighed among the other steps. */
export const CHANGE_STEPS = [
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      state: fc.constantFrom<RolloutState>('halted', 'withdrawn'),
      which,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const, 'widen' as const), which }),
  },
]

/** Steps with the milliseconds before each: long enough apart for a person. */
export function historyOf<Step>(step: fc.Arbitrary<Step>): fc.Arbitrary<[Step, number][]> {
  return fc.array(fc.tuple(step, fc.integer({ min: 100, max: 10_000 })), { minLength: 5, maxLength: 40 })
}
