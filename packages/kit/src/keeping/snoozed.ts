import type { CheckStore } from '../checking/check-store.ts'
import { snoozedUntil } from '../checking/check-times.ts'

/** Kits §6.5: put off, here or in one of the kit's applications. */
export interface Snoozed {
  releaseId: string
  /** Milliseconds since 1970. */
  at: number
  until: number
}

interface Release {
  releaseId: string
  isRequired: boolean
  now: number
}

/** By which the tool is one of the applications of a kit. */
const APPLICATION = 'hotpatch'

/** Seven days; one of what is required. */
export async function snoozeRelease(store: CheckStore, release: Release): Promise<Snoozed> {
  const { releaseId, now: at } = release
  const record = await store.update(APPLICATION, (found) => ({ ...found, snoozed: { releaseId, at } }))
  return { releaseId, at, until: snoozedUntil(record, release, at) ?? at }
}

/** Undefined when this release is not put off, or no more. A store that cannot be read has put nothing off. */
export async function readSnoozed(store: CheckStore, release: Release): Promise<Snoozed | undefined> {
  const record = await store.read(APPLICATION).catch(() => undefined)
  const until = record && snoozedUntil(record, release, release.now)
  const at = record?.snoozed?.at
  return until === undefined || at === undefined ? undefined : { releaseId: release.releaseId, at, until }
}
