import type { ApplyContext } from '../applying/apply-context.ts'
import { openCoordinator, type Coordinator } from '../applying/coordinator.ts'
import type { KitReport as ToldReport } from '../applying/kit-report.ts'
import { createKitProbing } from '../applying/kit-probing.ts'
import { KIT_CODES } from '../ground/kit-error.ts'
import { forgetFailed } from '../keeping/failed-releases.ts'
import { isSameRelease, noteCommitted, readKeptReleases } from '../keeping/kept-releases.ts'
import { raiseTrust } from '../offers/trust-state.ts'
import type { NewKitReport } from '../reporting/kit-report.ts'
import { KIT_ADAPTERS } from './kit-adapters.ts'
import type { KitApply } from './kit.ts'
import type { KitGround } from './kit-ground.ts'
import { noteLeftCoordinator } from './note-left-coordinator.ts'
import { settle } from './settle.ts'

export type OnReport = ((report: ToldReport) => void) | undefined

/** With the lock, and after what an earlier process has left was brought to its end. */
export async function coordinate(
  ground: KitGround,
  onReport: OnReport,
  run: (coordinator: Coordinator) => Promise<KitApply>,
): Promise<KitApply> {
  await using coordinator = await openCoordinator(await contextOf(ground, onReport))
  const recovered = await settle(ground, await coordinator.recover())
  if (recovered.kind === 'stuck') return recovered
  await noteLeftCoordinator(ground)
  const outcome = await run(coordinator)
  return outcome
}

export async function contextOf(ground: KitGround, onReport?: OnReport): Promise<ApplyContext> {
  const { installation, ports, log } = ground
  const { disk } = ports
  const reports = await ground.outbox()
  return {
    installation,
    ports,
    adapters: KIT_ADAPTERS,
    probing: createKitProbing(installation, ports),
    process: ports.process,
    async tell(report) {
      onReport?.(report)
      const { at, ...happened } = report
      await log.write('apply', { ...happened, happenedAt: new Date(at).toISOString() })
      await reports.add(await newReportOf(ground, report))
    },
    async committed(manifest) {
      await raiseTrust(disk, manifest)
      await noteCommitted(disk, manifest)
      await forgetFailed(disk, manifest.releaseId)
    },
  }
}

async function newReportOf(
  { ports }: KitGround,
  { transaction, component, kind, code, message, ...report }: ToldReport,
): Promise<NewKitReport> {
  const kept = await readKeptReleases(ports.disk).catch(() => [])
  const rolloutId = kept.find((each) => isSameRelease(each, report))?.rolloutId
  // What this machine is to blame for takes the release from nobody.
  const isOwnFault =
    kind === 'rolled-back' && component === undefined && code !== undefined && !KIT_CODES[code].isOfRelease
  return {
    transaction,
    kind: isOwnFault ? 'failed' : kind,
    releaseId: report.releaseId,
    ...(component !== undefined && { component }),
    ...(code !== undefined && { code }),
    ...(message !== undefined && { detail: message }),
    ...(rolloutId !== undefined && { rolloutId }),
  }
}
