import { findOpenApply, openCoordinator } from '../applying/coordinator.ts'
import type { RecoveryOutcome } from '../applying/apply-outcome.ts'
import { inWordsOfDisk } from '../ground/storage-error.ts'
import { readFailedReleases } from '../keeping/failed-releases.ts'
import { readTrust } from '../offers/trust-state.ts'
import { applyOffer } from './apply-offer.ts'
import { ask } from './ask.ts'
import { checkKit, snoozeKit } from './check-kit.ts'
import { contextOf } from './coordinate.ts'
import { findReleaseBefore, goBack } from './go-back.ts'
import type { AskOptions, Kit, KitOptions, KitStatus } from './kit.ts'
import { openGround, type KitGround } from './kit-ground.ts'
import { noteLeftCoordinator, noteLeftCoordinatorIfFree } from './note-left-coordinator.ts'
import { planOffer } from './plan-offer.ts'
import { asLookOfCoordinator } from './run-of-coordinator.ts'
import { settle } from './settle.ts'

/**
 * Kits: what is installed in a folder, and the releases that are for it.
 * @throws InstallationError
 * @example
 * const kit = await openKit({ root: '/srv/kit', environment: process.env, installerVersion: '1.0.0', process })
 * const { kind } = await kit.check()
 */
export async function openKit(options: KitOptions): Promise<Kit> {
  const ground = await inWordsOfDisk(() => openGround(options))
  const look = <T>(work: () => Promise<T>) => asLookOfCoordinator(ground, work)
  return {
    installation: ground.installation,
    check: (asking = {}) =>
      look(async () => {
        await noteLeftCoordinatorIfFree(ground)
        return checkKit(ground, asking)
      }),
    plan: (asking = {}) => look(() => plan(ground, asking)),
    apply: (applying) => look(() => applyOffer(ground, applying)),
    rollback: (going) => look(() => goBack(ground, going)),
    recover: (recovering = {}) => look(() => recover(ground, recovering)),
    status: () => look(() => statusOf(ground)),
    log: (limit) => look(() => ground.log.read(limit)),
    snooze: (asking = {}) => look(() => snoozeKit(ground, asking)),
    report: async () => (await ground.outbox()).flush(),
  }
}

async function plan(ground: KitGround, options: AskOptions) {
  const asked = await ask(ground, options)
  return asked.kind === 'offered' ? planOffer(ground, asked.offer) : asked
}

async function recover(ground: KitGround, options: { hasBeenLookedAt?: boolean }): Promise<RecoveryOutcome> {
  const outcome = await recoverLocked(ground, options)
  await (await ground.outbox()).flush()
  return outcome
}

async function recoverLocked(ground: KitGround, options: { hasBeenLookedAt?: boolean }): Promise<RecoveryOutcome> {
  await using coordinator = await openCoordinator(await contextOf(ground))
  const outcome = await settle(ground, await coordinator.recover(options))
  if (outcome.kind !== 'stuck') await noteLeftCoordinator(ground)
  return outcome
}

async function statusOf(ground: KitGround): Promise<KitStatus> {
  const { ports, channel } = ground
  const { disk } = ports
  return {
    channel,
    installed: await ground.readInstalled(),
    open: await findOpenApply(ports),
    trust: await readTrust(disk),
    failed: await readFailedReleases(disk),
    before: (await findReleaseBefore(ground))?.releaseId,
  }
}
