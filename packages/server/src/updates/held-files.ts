import type { Database } from '../ground/database/schema.ts'
import type { KeptExpoExport } from '../shipping/content/files/expo-export.ts'
import {
  findExpoExport,
  listHeldFiles,
  listVariantFiles,
  measureExpoExports,
  measureFiles,
  measureVariantFiles,
  type OfferedFile,
  type OfferedVariantFile,
} from './held-file-queries.ts'

/**
 * A list that may be long, of a release or of a variant of one: the same object in every catalog that has it. Null: there
 * is none, or it is not held, and then the release is offered as a whole only.
 */
export interface HeldContent<File> {
  readonly files: readonly File[] | null
  /** Of an export of Expo's: which of the files it is about, and its config. */
  readonly exported?: KeptExpoExport | undefined
}

export const NOTHING_HELD: HeldContent<never> = { files: null }

/** What a catalog wants the lists of: a release that it may offer, and what was encrypted of it. */
export interface WantedLists {
  releaseId: string
  variantIds: readonly string[]
}

/** What is held of those that a catalog wants. */
export interface FoundLists {
  ofRelease(releaseId: string): HeldContent<OfferedFile>
  ofVariant(variantId: string): HeldContent<OfferedVariantFile>
}

/** Of the whole process: some 300,000 files. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

interface Wanted {
  /** Of the release, or of the variant: no two are the same. */
  id: string
  releaseId: string
  bytes: number
  /** Another one when there is something to load anew. */
  stamp: number
  load: () => Promise<HeldContent<unknown>>
}

interface Slot {
  id: string
  releaseId: string
  files: readonly unknown[] | null
  exported?: KeptExpoExport | undefined
  /** By how many catalogs. */
  wanted: number
  bytes: number
  stamp: number
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
   * @param lists in no order
   */
  function want(catalog: string, lists: readonly WantedLists[]): Promise<FoundLists> {
    const wanted = last.then(() => wantNow(catalog, lists))
    last = wanted.catch(() => undefined) // the caller is told
    return wanted
  }

  async function wantNow(catalog: string, lists: readonly WantedLists[]): Promise<FoundLists> {
    const wanted = [...(await wantedFiles(lists)), ...(await wantedVariantFiles(lists))]
    const before = wantedBy.get(catalog) ?? []
    wantedBy.set(
      catalog,
      wanted.map(({ id }) => id),
    )
    for (const each of wanted) slotOf(each).wanted++
    for (const id of before) letGo(id)
    // Ids rise with time.
    for (const each of wanted.toSorted((left, right) => (left.releaseId < right.releaseId ? 1 : -1))) await hold(each)
    return {
      ofRelease: (id) => slots.get(id) ?? NOTHING_HELD,
      ofVariant: (id) => slots.get(id) ?? NOTHING_HELD,
    } as FoundLists // what a slot has is what its own query loaded
  }

  async function wantedFiles(lists: readonly WantedLists[]): Promise<Wanted[]> {
    const measures = await measureFiles(
      db,
      lists.map(({ releaseId }) => releaseId),
    )
    const exports = await measureExpoExports(
      db,
      lists.map(({ releaseId }) => releaseId),
    )
    return [...measures].map(([releaseId, { files, pathCharacters, variants }]) => ({
      id: releaseId,
      releaseId,
      bytes: files * FILE_BYTES + 2 * pathCharacters + variants * PACKED_BYTES + 2 * (exports.get(releaseId) ?? 0),
      // Files never change; what is made of them later adds up.
      stamp: variants,
      load: async () => ({
        files: await listHeldFiles(db, releaseId),
        exported: exports.has(releaseId) ? await findExpoExport(db, releaseId) : undefined,
      }),
    }))
  }

  async function wantedVariantFiles(lists: readonly WantedLists[]): Promise<Wanted[]> {
    const releaseOf = new Map(lists.flatMap(({ releaseId, variantIds }) => variantIds.map((id) => [id, releaseId])))
    const measures = await measureVariantFiles(db, [...releaseOf.keys()])
    return [...measures].map(([id, { files, characters }]) => ({
      id,
      releaseId: releaseOf.get(id) ?? '',
      bytes: files * FILE_BYTES + characters,
      stamp: 0,
      load: async () => ({ files: await listVariantFiles(db, id) }),
    }))
  }

  function slotOf({ id, releaseId, stamp }: Wanted): Slot {
    const slot = slots.get(id) ?? { id, releaseId, files: null, wanted: 0, bytes: 0, stamp }
    slots.set(id, slot)
    return slot
  }

  function letGo(id: string): void {
    const slot = slots.get(id)
    if (!slot || --slot.wanted > 0) return
    drop(slot)
    slots.delete(id)
  }

  async function hold(wanted: Wanted): Promise<void> {
    const slot = slotOf(wanted)
    const { bytes, stamp } = wanted
    if (slot.files && slot.stamp === stamp) return
    if (!makeRoom(slot, bytes)) return drop(slot)
    // A list that is there is better than none while a newer one is on its way.
    const loaded = await wanted.load()
    drop(slot)
    Object.assign(slot, { ...loaded, bytes, stamp })
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
    Object.assign(slot, { files: null, exported: undefined, bytes: 0 })
  }

  return { want, heldBytes: () => heldBytes }
}

/** As measured: the objects, a digest each, and the path, which takes two bytes a character at worst. */
const FILE_BYTES = 220
const PACKED_BYTES = 140
