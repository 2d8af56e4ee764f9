import { HOUR_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import { insertVariants } from '../artifacts/artifact-variant-queries.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakingParts } from '../making/make-from-artifact.ts'
import { createWorkOff, type WorkedOff } from '../making/work-off.ts'
import { TREE_PATCH_FORMATS } from './tree-patch-formats.ts'
import { finishPatch, insertWanted, listAwaitingPatches, type AwaitingPatch } from './tree-patch-store.ts'
import { listPlacesOfArchives, listRunArchives, wantedOf, type PlaceOfArchives } from './wanted-patches.ts'

export interface TreePatchQuestion {
  /** The archive of the target, and that of the base. */
  source: string
  base: string
  /** Where to write them. */
  brotli: string
  deflate: string
  /** A larger one is not worth it. */
  maxBytes: number
}

export type TreePatchAnswer =
  | {
      outcome: 'made'
      tree: string
      baseTree: string
      /** Absent when it is not worth it. */
      brotli?: ReceivedBytes
      deflate?: ReceivedBytes
    }
  | { outcome: 'not-smaller' | 'too-large' }

/** Each takes seconds. */
const BATCH = 1
/** Content §12: of what a device would fetch without it. */
const WORTH_SHARE = 0.8
/** Devices go from one release to the next meanwhile. */
const LOOK_AGAIN_MS = HOUR_MS

/** Content §12: patches of trees, made once and for all after the publish, in a thread of its own, newest first. */
export function createTreePatches({
  db,
  reads,
  bases,
  newId,
  changes,
  raiseReleases,
  clock,
  timers,
  ...parts
}: MakingParts & {
  reads: Connection
  /** So many that most devices run, and so many that were placed last; 0: none but those that somebody asks for. */
  bases: number
  newId: () => string
}) {
  const { artifacts, log } = parts
  const maker = createMaker(parts)
  const thread = keepThread<TreePatchQuestion, TreePatchAnswer>({
    does: 'makes patches',
    script: scriptBeside(import.meta.url, 'tree-patch-worker'),
    workerData: null,
    isDaemon: true,
  })
  /** What each channel and platform was last sent, and when its bases were looked for. */
  const looked = new Map<string, { sha256: string; at: number }>()
  const { wake, stop } = createWorkOff({
    does: 'compared',
    batch: BATCH,
    list: async (count) => {
      if (bases > 0) await wantNew()
      return listAwaitingPatches(db, count)
    },
    work,
    record: async (done) => {
      for (const each of done) await record(each)
    },
    timers,
    log,
  })

  /** Those of what is newly sent, and now and then of all, as what devices run changes. */
  async function wantNew(): Promise<void> {
    for (const place of await listPlacesOfArchives(db, bases)) {
      if (isLookedFor(place)) continue
      const wanted = wantedOf(place, await listRunArchives(reads, place, bases), bases)
      // The newest is made first, and the first is wanted most.
      await insertWanted(db, wanted.toReversed(), { newId, now: clock.now() })
      looked.set(nameOf(place), { sha256: place.target.sha256, at: clock.now() })
    }
  }

  function isLookedFor(place: PlaceOfArchives): boolean {
    const last = looked.get(nameOf(place))
    return last?.sha256 === place.target.sha256 && clock.now() < last.at + LOOK_AGAIN_MS
  }

  async function work({ base, otherwiseBytes, ...target }: AwaitingPatch): Promise<TreePatchAnswer | undefined> {
    const maxBytes = Math.floor(otherwiseBytes * WORTH_SHARE)
    const made = await maker.makeFromTwo(target, base, async ({ target: brotli, ...from }) => {
      const { answer } = await maker.makeAt(async (deflate) => {
        const answer = await thread.ask({ ...from, brotli, deflate, maxBytes })
        return { answer, bytes: answer.outcome === 'made' ? answer.deflate : undefined }
      })
      return { answer, bytes: answer.outcome === 'made' ? answer.brotli : undefined }
    })
    return made?.answer
  }

  /** Of what nothing came of, too: devices take the whole archive. */
  async function record({ item, result }: WorkedOff<AwaitingPatch, TreePatchAnswer>): Promise<void> {
    const { id, sha256, base } = item
    const made = result?.outcome === 'made' ? result : undefined
    await changes.run(async (tx, change) => {
      const isWaitedFor = await finishPatch(tx, id, {
        state: result?.outcome ?? 'lost',
        tree: made?.tree ?? null,
        base_tree: made?.baseTree ?? null,
        finished_at: clock.now(),
      })
      if (!made || !isWaitedFor) return
      const patches = (['brotli', 'deflate'] as const).flatMap((packing) => {
        const bytes = made[packing]
        return bytes ? [{ algorithm: TREE_PATCH_FORMATS[packing], bytes }] : []
      })
      await artifacts.register(
        tx,
        patches.map(({ bytes }) => asPart(bytes)),
      )
      const of = { sha256, base_sha256: base.sha256, kind: 'patch' as const, created_at: clock.now() }
      await insertVariants(
        tx,
        patches.map(({ algorithm, bytes }) => ({ ...of, algorithm, variant_sha256: bytes.sha256 })),
      )
      await raiseReleases(tx, change, await listReleasesWith(tx, [sha256]))
    })
  }

  return { wake, stop: () => stop(thread.closeNow) }
}

function nameOf({ appId, platform, channel }: PlaceOfArchives): string {
  return `${appId}/${platform}/${channel}`
}
