import type { DownloadArrival } from '@hotpatch/protocol'
import type { Judgement } from '../download/judge-offer.ts'
import type { NewReport } from '../ground/report.ts'
import type { Offer } from '../server/update-contract.ts'
import type { InstalledRelease, Source, StoredState } from '../state/stored-state.ts'
import type { UpdateFlowContext } from './flow-context.ts'

/** A release that was made in ota/pending/files, and how it came. */
export interface InstalledOffer {
  release: InstalledRelease
  receivedBytes: number
  arrival: DownloadArrival
}

type StagingContext = Pick<UpdateFlowContext, 'store' | 'emit'>

/** Engine §4: only now, with the whole bundle verified, does the floor rise, and with it, for what is proven, the mark. */
export function stage(
  staged: Source,
  { sequence, floor }: Judgement,
  reports: NewReport[],
  { store }: Pick<StagingContext, 'store'>,
): Promise<void> {
  // A new release has yet to confirm itself: were it to fail, what the device could take before must still be open.
  const proven = staged.from === 'pending' ? 0 : sequence
  const rise = (stored: StoredState) => ({
    ...stored,
    staged,
    fetching: null,
    highWater: Math.max(stored.highWater, proven),
    floor: Math.max(stored.floor, floor),
  })
  return store.commit(rise, reports)
}

export async function stageInstalled(
  { releaseId, version, sizeBytes }: Offer,
  judgement: Judgement,
  { release, ...how }: InstalledOffer,
  context: StagingContext,
): Promise<void> {
  const report: NewReport = { kind: 'downloaded', releaseId, version, ...how }
  await stage({ from: 'pending', release }, judgement, [report], context)
  context.emit({ type: 'downloaded', ...how, sizeBytes, releaseId })
}

/** The directory of what is staged is about to be emptied. */
export async function makeWay({ store }: Pick<StagingContext, 'store'>): Promise<void> {
  if (store.current().staged) await store.commit((stored) => ({ ...stored, staged: null }))
}
