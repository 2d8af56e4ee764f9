import type { KitManifest } from '@hotpatch/protocol'
import { isTriedAgain, readFailedReleases } from '../keeping/failed-releases.ts'
import { readSnoozed, snoozeRelease, type Snoozed } from '../keeping/snoozed.ts'
import { isRequired } from '../offers/judge-manifest.ts'
import { ask, readNewerFailures } from './ask.ts'
import type { AskOptions, KitCheck } from './kit.ts'
import type { KitGround } from './kit-ground.ts'

/** Kits §6: what is offered, held against what is installed, and what people have said of it. */
export async function checkKit(ground: KitGround, options: AskOptions): Promise<KitCheck> {
  const installed = await ground.readInstalled()
  const asked = await ask(ground, options)
  await (await ground.outbox()).flush()
  if (asked.kind !== 'offered') return asked
  const { manifest } = asked.offer
  const { releaseId } = manifest
  if (installed === undefined) return { kind: 'skipped', reason: 'installed-unknown' }
  if (installed.releaseId === releaseId) {
    return { ...upToDate(manifest), failed: await readNewerFailures(ground, installed) }
  }
  const failed = (await readFailedReleases(ground.ports.disk)).find((each) => each.releaseId === releaseId)
  if (failed && !isTriedAgain(failed)) return { kind: 'failed-before', failed, manifest }
  return {
    kind: 'available',
    releaseId,
    isRequired: isRequired(manifest),
    snoozed: await snoozedOf(ground, manifest),
    manifest,
  }
}

/** Undefined: there is nothing to put off. */
export async function snoozeKit(ground: KitGround, options: AskOptions): Promise<Snoozed | undefined> {
  const found = await checkKit(ground, options)
  if (found.kind !== 'available') return undefined
  const { releaseId, isRequired: required } = found
  const { checks, clock } = ground.ports
  const snoozed = await snoozeRelease(checks, { releaseId, isRequired: required, now: clock.now() })
  await ground.log.write('snoozed', { releaseId, until: new Date(snoozed.until).toISOString() })
  return snoozed
}

export function snoozedOf({ ports }: KitGround, manifest: KitManifest): Promise<Snoozed | undefined> {
  const { releaseId } = manifest
  return readSnoozed(ports.checks, { releaseId, isRequired: isRequired(manifest), now: ports.clock.now() })
}

export function upToDate({ releaseId }: Pick<KitManifest, 'releaseId'>) {
  return { kind: 'up-to-date', releaseId, reason: 'up-to-date', message: `${releaseId} is installed` } as const
}
