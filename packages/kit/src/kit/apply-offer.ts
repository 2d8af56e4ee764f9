import type { Stopped } from '@hotpatch/device-ground'
import type { KitManifest } from '@hotpatch/protocol'
import type { ApplyOutcome } from '../applying/apply-outcome.ts'
import type { Coordinator } from '../applying/coordinator.ts'
import { KitError } from '../ground/kit-error.ts'
import { expectUnaskedAllowed, localTimeOf } from '../keeping/consent.ts'
import { isTriedAgain, readFailedReleases } from '../keeping/failed-releases.ts'
import { isSameRelease, keepOffer } from '../keeping/kept-releases.ts'
import type { ArtifactSource } from '../offers/kit-offer.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { writeLastApply } from '../status/last-apply.ts'
import { ask } from './ask.ts'
import { snoozedOf, upToDate } from './check-kit.ts'
import { coordinate } from './coordinate.ts'
import type { ApplyOptions, Consent, KitApply, KitCheck } from './kit.ts'
import type { KitGround } from './kit-ground.ts'
import { objectionsTo, planOf } from './plan-offer.ts'
import { settle } from './settle.ts'

const SKIPPED = {
  dev: 'the channel is dev, which asks nobody: name another, or bring a bundle and name the channel that it is of',
  'no-source': 'kit.json names no server ("source"): bring a bundle',
  'installed-unknown': 'nothing says what is installed',
} as const satisfies Record<Extract<KitCheck, { kind: 'skipped' }>['reason'], string>

/** Kits §8: asks, plans, has it agreed to, and brings the kit to what is offered; or to what it was. */
export async function applyOffer(ground: KitGround, options: ApplyOptions): Promise<KitApply> {
  const { disk } = ground.ports
  const outcome = await coordinate(ground, options.onReport, async (coordinator) => {
    const asked = await ask(ground, options)
    if (asked.kind === 'skipped') return nothing(asked.reason, SKIPPED[asked.reason])
    if (asked.kind === 'up-to-date') return nothing(asked.reason, asked.message)
    const { offer } = asked
    await expectWanted(ground, offer.manifest, options)
    const plan = await planOf(ground, offer)
    if (await isAsGoodAsInstalled(ground, plan)) return nothingToDo(offer.manifest)
    await expectConsent(ground, plan, options.consent)
    await keepOffer(disk, offer)
    const applied = await runPlan(ground, coordinator, plan, { ...options, from: offer.artifacts })
    return applied.kind === 'nothing-to-do' ? nothingToDo(offer.manifest) : applied
  })
  await (await ground.outbox()).flush()
  return outcome
}

/** All of it is there, but perhaps for a coordinator that has never come to itself, and is not taken again. */
async function isAsGoodAsInstalled(ground: KitGround, plan: KitPlan): Promise<boolean> {
  const installed = await ground.readInstalled()
  if (!installed || !isSameRelease(installed, plan.manifest)) return false
  if (plan.steps.length === 0) return true
  const isOfCoordinator = plan.steps.every(({ component }) => component.kind === 'coordinator')
  return isOfCoordinator && (await objectionsTo(ground, plan)).length > 0
}

async function expectWanted(
  ground: KitGround,
  manifest: KitManifest,
  { triesAgain, consent }: ApplyOptions,
): Promise<void> {
  if (triesAgain) return
  const { releaseId } = manifest
  const failed = (await readFailedReleases(ground.ports.disk)).find((each) => each.releaseId === releaseId)
  if (failed && !isTriedAgain(failed)) {
    const message = `${releaseId} did not work here before (${failed.code}): try it again with --again, or wait for another one`
    throw new KitError('not-consented', message)
  }
  const snoozed = await snoozedOf(ground, manifest)
  if (snoozed && consent.kind === 'unasked') {
    throw new KitError('not-consented', `${releaseId} was put off until ${new Date(snoozed.until).toISOString()}`)
  }
}

export async function expectConsent(
  { installation, ports }: KitGround,
  plan: KitPlan,
  consent: Consent,
): Promise<void> {
  if (consent.kind === 'unasked') {
    return expectUnaskedAllowed(plan, installation.consent, localTimeOf(new Date(ports.clock.now())))
  }
  if (!(await consent.ask({ plan }))) throw new KitError('not-consented', 'nobody agreed to it; nothing was changed')
}

export async function runPlan(
  ground: KitGround,
  coordinator: Coordinator,
  plan: KitPlan,
  { from, stopped, onProgress }: Pick<ApplyOptions, 'stopped' | 'onProgress'> & { from: ArtifactSource },
): Promise<ApplyOutcome> {
  const components = plan.steps.map(({ component }) => component.id)
  const { releaseId } = plan.manifest
  await writeLastApply(ground.ports.disk, { state: 'applying', releaseId, components }).catch(() => undefined)
  const forward = {
    stage: async (stagedPlan: KitPlan, options: { stopped?: Stopped }) => {
      await ground.staging.stage(stagedPlan, from, { ...options, ...(onProgress && { onProgress }) })
    },
    ...(stopped && { stopped }),
  }
  return settle(ground, await coordinator.apply(plan, forward))
}

export function nothingToDo(manifest: KitManifest): KitApply {
  const { reason, message } = upToDate(manifest)
  return nothing(reason, message)
}

function nothing(reason: string, message: string): KitApply {
  return { kind: 'nothing-to-do', reason, message }
}
