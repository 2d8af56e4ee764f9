import { setTimeout as wait } from 'node:timers/promises'
import type { ManagementClient, NewRelease, Rollout } from '../../packages/api/src/index.ts'
import { ApiProblem } from '../../packages/api/src/management-client.ts'
import { statedArchive, writeReleaseStatement, type Platform } from '../../packages/protocol/src/index.ts'
import { publishForm } from '../../packages/testkit/src/publish-form.ts'
import { signRelease, signStatement } from '../../packages/testkit/src/signing.ts'
import { everyPage } from '../every-page.ts'
import type { Attempt, KnownRollout, RolloutFacts } from '../ledger.ts'
import type { World } from '../world.ts'
import type { Bundle } from './bundle.ts'

export interface Publication {
  version: string
  bundle: Bundle
  channel: string
  percentage: number
  isBad?: boolean
  guard?: NewRelease['guard']
  /** The bytes are there already. */
  isUploaded?: boolean
}

/** Of a sequence that somebody else was faster with. */
const TRIES = 5
const GUARD_LOOKS_MS = 500
const GUARD_BOUND_MS = 90_000

/** What somebody does who publishes for one platform: everything that is acknowledged goes into the ledger. */
export function createPublishing(world: World, platform: Platform) {
  const { app, key, ledger, findings, activity, asking, timeline } = world

  async function publish(publication: Publication): Promise<KnownRollout> {
    const { version, bundle, channel, isBad = false } = publication
    for (let tries = 1; ; tries++) {
      const { nextSequence: sequence } = await asking.insist((api) => api.getNextSequence(app.slug, platform))
      const facts = { sha256: bundle.sha256, sizeBytes: bundle.bytes.length, sequence }
      const attempt = ledger.attempt({ app: app.slug, platform, version, channel, ...facts, isBad })
      try {
        return await send(attempt, publication)
      } catch (error) {
        if (!(error instanceof ApiProblem) || error.type !== 'sequence-taken' || tries === TRIES) throw error
        findings.count('publishes that lost the race for a sequence')
      }
    }
  }

  /** The same again has the same answer: so it is asked until there is one. */
  async function send(attempt: Attempt, publication: Publication): Promise<KnownRollout> {
    const { version, sequence, channel, sha256 } = attempt
    const { bundle, percentage, guard, isUploaded = false } = publication
    const signatures = signRelease(key, { appId: app.id, platform, version, sequence, bundle: bundle.bytes })
    const metadata = { platform, version, channel, percentage, ...(guard && { guard }) }
    const published = await activity.during('publish', () =>
      asking.insist((api) => {
        if (!isUploaded) return api.publishRelease(app.slug, publishForm(metadata, bundle.bytes, signatures))
        const form = new FormData()
        form.set('metadata', JSON.stringify({ ...metadata, content: { kind: 'archive', sha256 } }))
        for (const [name, value] of Object.entries(signatures)) form.set(name, value)
        return api.publishRelease(app.slug, form)
      }),
    )
    ledger.acknowledgeRelease(attempt, published.releaseId)
    findings.count('publishes acknowledged')
    const { releaseId, rolloutId: id } = published
    return ledger.acknowledgeRollout({ id, releaseId, platform, channel, state: 'active', percentage, revision: 1 })
  }

  /** @param expected what it is afterwards, if it is done */
  async function change(
    known: KnownRollout,
    expected: Partial<RolloutFacts>,
    call: (api: ManagementClient) => Promise<Rollout>,
  ): Promise<void> {
    const before: RolloutFacts = { ...known }
    known.isUnsure = true
    const outcome = await activity.during('rollout', () => asking.ask(call))
    if (outcome.kind === 'acknowledged') {
      findings.count('changes of rollouts acknowledged')
      ledger.acknowledgeRollout(outcome.value)
      return
    }
    if (outcome.kind === 'refused') findings.count(`changes of rollouts refused: ${outcome.problem.type}`)
    const found = await asking.insist((api) => api.getRollout(known.id))
    const isAsBefore = isAs(found, before)
    const isDone =
      found.revision === before.revision + 1 && isAs(found, { ...before, ...expected, revision: found.revision })
    if (outcome.kind === 'unsure')
      findings.count(isDone ? 'unsure changes that were done' : 'unsure changes that were not')
    findings.expectThat('acknowledged-rollout', isAsBefore || isDone || isTripped(found), () => {
      return `Rollout ${known.id} was ${show(before)}, was to be ${show({ ...before, ...expected })}, is ${show(found)}.`
    })
    ledger.acknowledgeRollout(found)
  }

  const widen = (known: KnownRollout, percentage: number) =>
    change(known, { percentage }, (api) => api.changeRollout(known.id, { percentage }))
  const pause = (known: KnownRollout) => change(known, { state: 'paused' }, (api) => api.pauseRollout(known.id))
  const resume = (known: KnownRollout) => change(known, { state: 'active' }, (api) => api.resumeRollout(known.id))
  const halt = (known: KnownRollout) => change(known, { state: 'halted' }, (api) => api.haltRollout(known.id))

  /** An older release on top of its channel, or on another one. */
  async function placeAgain(attempt: Attempt, channel: string, by: 'promotion' | 'roll-back'): Promise<void> {
    const { releaseId = '' } = attempt
    const { nextSequence: sequence } = await asking.insist((api) => api.getNextSequence(app.slug, platform))
    const restated = restate(attempt, sequence)
    const isPlaced = ledger.beginPlacing(releaseId, channel)
    const outcome = await activity.during('rollout', () =>
      asking.ask((api) =>
        by === 'promotion'
          ? api.createRollout(app.slug, { releaseId, channel, ...restated })
          : api.rollBack(app.slug, { platform, channel, to: { releaseId }, ...restated }),
      ),
    )
    findings.count(outcome.kind === 'refused' ? `${by}s refused: ${outcome.problem.type}` : `${by}s ${outcome.kind}`)
    if (outcome.kind === 'acknowledged') ledger.acknowledgeRollout(outcome.value)
    // It was placed, or it was not; both are good.
    if (outcome.kind === 'unsure') await learnOf(releaseId, channel)
    isPlaced(outcome.kind !== 'unsure')
  }

  async function learnOf(releaseId: string, channel: string): Promise<void> {
    // All of them, as the clock of the server may have been hours behind when it was made.
    const query = { platform, channel }
    const listed = await everyPage((page) => asking.insist((api) => api.listRollouts(app.slug, { ...query, ...page })))
    for (const found of listed) {
      if (found.releaseId === releaseId && !ledger.rollouts.has(found.id)) ledger.acknowledgeRollout(found)
    }
  }

  function restate({ version, sha256, sizeBytes }: Attempt, sequence: number) {
    const text = writeReleaseStatement({
      appId: app.id,
      platform,
      target: 'release',
      version,
      sequence,
      floor: 0,
      requirement: {},
      ...statedArchive({ sha256, sizeBytes }),
      createdAt: new Date().toISOString(),
    })
    return signStatement(key, text)
  }

  /** Devices have it crash: its guard is to pause it. */
  async function awaitGuard(known: KnownRollout): Promise<void> {
    known.isUnsure = true
    const startedAt = timeline.now()
    const found = await activity.during('guard', () => untilStopped(known.id, startedAt))
    const isStopped = found.state !== 'active'
    const isExcused = world.end.aborted || timeline.wasDisturbed(startedAt, 'clock:0', 'clock:1')
    if (isStopped) findings.count('guards that stopped a bad release')
    if (isStopped || !isExcused) {
      findings.expectThat(
        'guard-acts',
        isStopped,
        () => `The guard of ${known.id} did nothing in ${GUARD_BOUND_MS} ms.`,
      )
    }
    const acknowledged = ledger.acknowledgeRollout(found)
    // It may still act.
    acknowledged.isUnsure = !isStopped
  }

  /** Or until it is too late for that. */
  async function untilStopped(id: string, startedAt: number): Promise<Rollout> {
    for (;;) {
      const found = await asking.insist((api) => api.getRollout(id))
      // It needs a while in which nothing is dead.
      const since = Math.max(startedAt, timeline.disturbedUntil())
      const isLate = timeline.now() - since > GUARD_BOUND_MS || world.end.aborted
      if (found.state !== 'active' || isLate) return found
      await wait(GUARD_LOOKS_MS)
    }
  }

  return { publish, widen, pause, resume, halt, placeAgain, awaitGuard }
}

function isAs(found: RolloutFacts, facts: RolloutFacts): boolean {
  return found.state === facts.state && found.percentage === facts.percentage && found.revision === facts.revision
}

/** A guard may have been faster. */
function isTripped({ guard, state }: Rollout): boolean {
  return guard?.state === 'tripped' && state !== 'active'
}

function show({ state, percentage, revision }: RolloutFacts): string {
  return `${state} at ${percentage} % (revision ${revision})`
}
