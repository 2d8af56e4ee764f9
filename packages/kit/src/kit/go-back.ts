import type { InstalledKit } from '@hotpatch/protocol'
import { KitError } from '../ground/kit-error.ts'
import { isSameRelease, readKeptReleases, type KeptRelease } from '../keeping/kept-releases.ts'
import { readTrust } from '../offers/trust-state.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { artifactsOf } from '../planning/plan.ts'
import { expectConsent, nothingToDo, runPlan } from './apply-offer.ts'
import { coordinate } from './coordinate.ts'
import type { ApplyOptions, KitApply } from './kit.ts'
import type { KitGround } from './kit-ground.ts'
import { planOf } from './plan-offer.ts'
import { rememberFailure, verifyKept } from './settle.ts'

/** To the release before, by what is kept of it; its signature is verified again. */
export async function goBack(
  ground: KitGround,
  options: Omit<ApplyOptions, 'bundle' | 'triesAgain'>,
): Promise<KitApply> {
  const outcome = await coordinate(ground, options.onReport, async (coordinator) => {
    const left = await ground.readInstalled()
    const before = await findReleaseBefore(ground)
    if (!before || !left) {
      const message = 'no release before this one was applied here: there is nothing that one could go back to'
      throw new KitError('partial-kit', message)
    }
    const verified = await verifyKept(ground, before)
    const { manifest } = verified
    const { floor } = await readTrust(ground.ports.disk)
    if (manifest.sequence < floor) {
      const message = `${manifest.releaseId} has the sequence ${manifest.sequence}; its publisher wants nobody below ${floor} again`
      throw new KitError('below-floor', message)
    }
    const plan: KitPlan = { ...(await planOf(ground, verified)), direction: 'back' }
    await expectBytes(ground, plan)
    await expectConsent(ground, plan, options.consent)
    const applied = await runPlan(ground, coordinator, plan, { ...options, from: ground.serverArtifacts })
    if (applied.kind === 'committed') await noteLeft(ground, left, applied.transaction)
    return applied.kind === 'nothing-to-do' ? nothingToDo(manifest) : applied
  })
  await (await ground.outbox()).flush()
  return outcome
}

/** Of those that were committed here; undefined: there is none. */
export async function findReleaseBefore(ground: KitGround): Promise<KeptRelease | undefined> {
  const installed = await ground.readInstalled()
  const kept = (await readKeptReleases(ground.ports.disk)).filter(({ wasCommitted }) => wasCommitted)
  return kept.findLast((each) => installed !== undefined && !isSameRelease(each, installed))
}

/** Whoever has a server may have them from there: they are held against what was signed all the same. */
async function expectBytes({ installation, staging }: KitGround, plan: KitPlan): Promise<void> {
  const missing = installation.source === undefined ? await staging.missingOf(artifactsOf(plan.steps)) : []
  if (missing.length === 0) return
  const names = missing.map(({ sha256 }) => sha256.slice(0, 12)).join(', ')
  throw new KitError('download-failed', `the bytes of ${plan.manifest.releaseId} are not here any more: ${names}`)
}

/** So that neither the server nor the next check offers it again. */
async function noteLeft(ground: KitGround, { releaseId }: InstalledKit, transaction: string): Promise<void> {
  await rememberFailure(ground, releaseId, { code: 'rolled-back', message: 'People went back from it' })
  const reports = await ground.outbox()
  await reports.add({ transaction, kind: 'rolled-back', releaseId, detail: 'rolled back by people' })
}
