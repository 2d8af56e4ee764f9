import type { KitManifest } from '@hotpatch/protocol'
import type { ApplyOutcome, RecoveryOutcome } from '../applying/apply-outcome.ts'
import { KitError } from '../ground/kit-error.ts'
import { noteFailed, type FailedRelease } from '../keeping/failed-releases.ts'
import { readKeptReleases, type KeptRelease } from '../keeping/kept-releases.ts'
import { verifyManifest } from '../offers/take-offer.ts'
import { fileFor } from '../planning/plan.ts'
import { writeLastApply } from '../status/last-apply.ts'
import type { KitGround } from './kit-ground.ts'

/** As much of it as people read in a line or some: a hook may have printed more. */
const MAX_MESSAGE = 1_000

/** What has to be remembered of an end, whichever it is, and whoever came to it. */
export async function settle<Outcome extends RecoveryOutcome | ApplyOutcome>(
  ground: KitGround,
  outcome: Outcome,
): Promise<Outcome> {
  if (outcome.kind === 'nothing-open' || outcome.kind === 'nothing-to-do') return outcome
  const { releaseId } = outcome
  const { disk } = ground.ports
  if (outcome.kind === 'committed') {
    await writeLastApply(disk, undefined).catch(() => undefined)
    await sweepArtifacts(ground).catch(() => undefined)
  } else {
    const components = [outcome.why.component ?? ''].filter((id) => id !== '')
    const state = outcome.kind === 'stuck' ? 'stuck' : 'rolled_back'
    await writeLastApply(disk, { state, releaseId, components }).catch(() => undefined)
    // Whoever has stopped it knows that.
    if (outcome.why.code !== 'stopped') await rememberFailure(ground, releaseId, outcome.why)
  }
  await ground.log.write(outcome.kind, { releaseId, ...('why' in outcome && outcome.why) })
  return outcome
}

export async function rememberFailure(
  { ports }: KitGround,
  releaseId: string,
  { code, message }: Pick<FailedRelease, 'code' | 'message'>,
): Promise<void> {
  const { disk, clock } = ports
  const kept = await readKeptReleases(disk).catch(() => [])
  const sequence = kept.find((each) => each.releaseId === releaseId)?.sequence ?? 1
  const why = { code, ...(message !== undefined && { message: message.slice(0, MAX_MESSAGE) }) }
  // A full disk costs one more try.
  await noteFailed(disk, { releaseId, sequence, ...why, at: clock.now() }).catch(() => undefined)
}

/** Those of what is installed, and of what was before, for the way back. */
async function sweepArtifacts(ground: KitGround): Promise<void> {
  const kept = (await readKeptReleases(ground.ports.disk)).filter(({ wasCommitted }) => wasCommitted).slice(-2)
  const files = await Promise.all(kept.map(async (each) => filesOf(ground, (await verifyKept(ground, each)).manifest)))
  await ground.staging.sweep(files.flat())
}

function filesOf({ installation, ports }: KitGround, manifest: KitManifest) {
  return manifest.components
    .filter(({ id }) => Object.hasOwn(installation.components, id))
    .flatMap((component) => fileFor(component, ports.machine) ?? [])
}

/** It lay on the disk since: it is worth what its signature is worth. */
export async function verifyKept(
  { installation, ports }: KitGround,
  { manifestText, signatures }: Pick<KeptRelease, 'manifestText' | 'signatures'>,
) {
  const bytes = new TextEncoder().encode(manifestText)
  const verified = await verifyManifest({ bytes, signatures }, installation.publicKeys, ports.crypto)
  const { appId } = verified.manifest
  const expected = installation.source?.appId ?? appId
  if (appId !== expected) throw new KitError('wrong-app', `what is kept is of the app ${appId}, this is ${expected}`)
  return verified
}
