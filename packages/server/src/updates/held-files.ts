import type { Database } from '../ground/database/schema.ts'
import { listHeldFiles, measureFiles, type FilesMeasure, type OfferedFile } from './held-file-queries.ts'

/**
 * A list that may be long, of a release or of a variant of one: the same object in every catalog that has it. Null: there
 * is none, or it is not held, and then the release is offered as a whole only.
 */
export interface HeldContent {
  readonly files: readonly OfferedFile[] | null
}

export const NOTHING_HELD: HeldContent = { files: null }

/** Of the whole process: some 300,000 files. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

interface Slot {
  releaseId: string
  files: readonly OfferedFile[] | null
  /** By how many catalogs. */
  wanted: number
  bytes: number
  /** What was measured when it was loaded. */
  measure: FilesMeasure
}

/**
 * The files of the releases that can be offered, in memory within a budget, newest releases first: a check has no time
 * to ask the database for them. What no catalog wants any more is let go.
 */
export function createHeldFileLists({
  db,
  maxBytes = MAX_HELD_BYTES,
}: {
  db: Database
  maxBytes?: number | undefined
}) {
  const slots = new Map<string, Slot>()
  const wantedBy = new Map<string, readonly string[]>()
  /** Those with a list. */
  const held = new Set<Slot>()
  let heldBytes = 0
  let last: Promise<unknown> = Promise.resolve()

  /**
   * What a catalog wants from now on instead of what it wanted before. One after the other, so that the budget holds.
   * @param releaseIds those that it may offer, whichever first
   */
  function want(catalog: string, releaseIds: readonly string[]): Promise<ReadonlyMap<string, HeldContent>> {
    const wanted = last.then(() => wantNow(catalog, releaseIds))
    last = wanted.catch(() => undefined) // the caller is told
    return wanted
  }

  async function wantNow(catalog: string, releaseIds: readonly string[]): Promise<ReadonlyMap<string, HeldContent>> {
    const measures = await measureFiles(db, releaseIds)
    const before = wantedBy.get(catalog) ?? []
    wantedBy.set(catalog, [...measures.keys()])
    for (const [releaseId, measure] of measures) slotOf(releaseId, measure).wanted++
    for (const releaseId of before) letGo(releaseId)
    // Ids rise with time.
    const newestFirst = [...measures].toSorted(([left], [right]) => (left < right ? 1 : -1))
    for (const [releaseId, measure] of newestFirst) await hold(releaseId, measure)
    return new Map(newestFirst.flatMap(([releaseId]) => slotEntry(releaseId)))
  }

  function slotEntry(releaseId: string): [string, HeldContent][] {
    const slot = slots.get(releaseId)
    return slot ? [[releaseId, slot]] : []
  }

  function slotOf(releaseId: string, measure: FilesMeasure): Slot {
    const slot = slots.get(releaseId) ?? { releaseId, files: null, wanted: 0, bytes: 0, measure }
    slots.set(releaseId, slot)
    return slot
  }

  function letGo(releaseId: string): void {
    const slot = slots.get(releaseId)
    if (!slot || --slot.wanted > 0) return
    drop(slot)
    slots.delete(releaseId)
  }

  async function hold(releaseId: string, measure: FilesMeasure): Promise<void> {
    const slot = slotOf(releaseId, measure)
    if (slot.files && isSame(slot.measure, measure)) return
    const bytes = bytesOf(measure)
    if (!makeRoom(slot, bytes)) return drop(slot)
    // A list that is there is better than none while a newer one is on its way.
    const files = await listHeldFiles(db, releaseId)
    drop(slot)
    Object.assign(slot, { files, bytes, measure })
    held.add(slot)
    heldBytes += bytes
  }

  /** At the cost of older releases; false when newer ones have the room. */
  function makeRoom(slot: Slot, bytes: number): boolean {
    if (heldBytes - slot.bytes + bytes <= maxBytes) return true
    const older = [...held]
      .filter(({ releaseId }) => releaseId < slot.releaseId)
      .toSorted((left, right) => (left.releaseId < right.releaseId ? -1 : 1))
    const olderBytes = older.reduce((sum, each) => sum + each.bytes, 0)
    if (heldBytes - slot.bytes - olderBytes + bytes > maxBytes) return false
    for (const each of older) {
      if (heldBytes - slot.bytes + bytes <= maxBytes) break
      drop(each)
    }
    return true
  }

  /** Whoever has the slot sees that there is none. */
  function drop(slot: Slot): void {
    held.delete(slot)
    heldBytes -= slot.bytes
    Object.assign(slot, { files: null, bytes: 0 })
  }

  return { want, heldBytes: () => heldBytes }
}

/** Files never change; what is made of them later adds up. */
function isSame(left: FilesMeasure, right: FilesMeasure): boolean {
  return left.variants === right.variants
}

/** As measured: the objects, a digest each, and the path, which takes two bytes a character at worst. */
const FILE_BYTES = 220
const VARIANT_BYTES = 140

function bytesOf({ files, pathCharacters, variants }: FilesMeasure): number {
  return files * FILE_BYTES + 2 * pathCharacters + variants * VARIANT_BYTES
}
