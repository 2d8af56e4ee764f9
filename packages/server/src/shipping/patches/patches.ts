import { HOUR_MS } from '../../ground/clock.ts'
import type { Connection } from '../../ground/database/schema.ts'
import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import { insertVariants } from '../artifacts/artifact-variant-queries.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakingParts } from '../making/make-from-artifact.ts'
import { createUnlessItKills } from '../making/unless-it-kills.ts'
import { createWorkOff, type WorkedOff } from '../making/work-off.ts'
import { deletePatchBytes } from './patch-management-store.ts'
import { createPacking } from './packing.ts'
import type { AwaitingPacking } from './packing-store.ts'
import { PATCH_FORMATS, type PatchFormat } from './patch-kinds.ts'
import { MAX_PATCHED_ROLLOUTS } from './patch-queries.ts'
import { bytesOf, type PatchAnswer, type PatchQuestion } from './patch-question.ts'
import {
  deletePatches,
  finishPatch,
  insertWanted,
  listAwaitingPatches,
  listOutlived,
  type AwaitingPatch,
} from './patch-store.ts'
import { listEmbeddedBases, listPatchPlaces, listRunBases, wantedOf, type PatchPlace } from './wanted-patches.ts'

/** Each takes seconds. */
const BATCH = 1
/** Content §12: of what a device would fetch without it. */
const WORTH_SHARE = 0.8
/** Devices go from one release to the next meanwhile. */
const LOOK_AGAIN_MS = HOUR_MS
/** What becomes visible, or goes, at once. */
const DROPPED_AT_ONCE = 50
/** So many patches, and a release is packed, however many more are wanted. */
const PATCHES_IN_A_ROW = 8

/** Content §12: patches, made once and for all after the publish, in a thread of its own, newest first. */
export function createPatches({
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
  /** What goes through all rollouts, or all that is wanted, holds up no check. */
  reads: Connection
  /** So many that most devices run, and so many that were placed last; 0: none but those that somebody asks for. */
  bases: number
  newId: () => string
}) {
  const { artifacts, log } = parts
  const maker = createMaker(parts)
  const unlessItKills = createUnlessItKills({ db, log })
  const thread = keepThread<PatchQuestion, PatchAnswer>({
    does: 'makes patches',
    script: scriptBeside(import.meta.url, 'patch-worker'),
    workerData: null,
    isDaemon: true,
  })
  /** What each channel and platform was last sent, and when its bases were looked for. */
  const looked = new Map<string, { sha256: string; at: number }>()
  /** When each app had one made last. */
  const turns = new Map<string, number>()
  let lastTurn = 0
  let patchesInARow = 0
  const packing = createPacking({ db, changes, raiseReleases, clock, artifacts, maker, ask: thread.ask })
  const { wake, stop } = createWorkOff<AwaitingPatch | AwaitingPacking, PatchAnswer>({
    does: 'compared',
    batch: BATCH,
    list: async (count) => {
      if (bases > 0 && (await wantNew())) await dropOutlived()
      // Most devices run a release and take a patch of it: those come first.
      const packs = bases === 0 ? [] : await packing.list(count)
      const patches = await listAwaitingPatches(reads, count, turns)
      const inOrder = patchesInARow < PATCHES_IN_A_ROW ? [...patches, ...packs] : [...packs, ...patches]
      return inOrder.slice(0, count)
    },
    work: (item) => {
      patchesInARow = 'base' in item ? patchesInARow + 1 : 0
      return 'base' in item
        ? unlessItKills(`patch ${item.id}`, () => work(item))
        : unlessItKills(`packing ${item.sha256}`, () => packing.work(item))
    },
    record: async (done) => {
      for (const { item, result } of done) {
        await ('base' in item ? record({ item, result }) : packing.record({ item, result }))
      }
    },
    timers,
    log,
  })

  /** Those of what is newly sent, and now and then of all, as what devices run changes. False when nothing was. */
  async function wantNew(): Promise<boolean> {
    const places = (await listPatchPlaces(reads, bases)).filter((place) => !isLookedFor(place))
    for (const place of places) {
      const embedded = await listEmbeddedBases(reads, place)
      const run = await listRunBases(reads, place, { bases, embedded })
      const wanted = wantedOf(place, { run, embedded }, bases)
      // The newest is made first, and the first is wanted most.
      await insertWanted(db, wanted.toReversed(), { newId, now: clock.now() })
      looked.set(nameOf(place), { sha256: place.target.sha256, at: clock.now() })
    }
    return places.length > 0
  }

  function isLookedFor(place: PatchPlace): boolean {
    const last = looked.get(nameOf(place))
    return last?.sha256 === place.target.sha256 && clock.now() < last.at + LOOK_AGAIN_MS
  }

  /** There may be other bases than there were. */
  function lookAgain(): void {
    looked.clear()
    wake()
  }

  /** Whoever places it once more has it made once more. */
  async function dropOutlived(): Promise<void> {
    for (;;) {
      const ids = await listOutlived(reads, MAX_PATCHED_ROLLOUTS, DROPPED_AT_ONCE)
      if (ids.length === 0) return
      await changes.run(async (tx) => {
        for (const id of ids) await deletePatchBytes(tx, id, clock.now())
        await deletePatches(tx, ids)
      })
    }
  }

  async function work({
    appId,
    kind,
    base,
    otherwiseBytes,
    ...target
  }: AwaitingPatch): Promise<PatchAnswer | undefined> {
    turns.set(appId, ++lastTurn)
    const maxBytes = Math.floor(otherwiseBytes * WORTH_SHARE)
    const [first, ...others] = PATCH_FORMATS[kind]
    const made = await maker.makeFromTwo(target, base, async ({ target: path, ...from }) => {
      const ask = (targets: PatchQuestion['targets']) => thread.ask({ kind, ...from, targets, maxBytes })
      const answer = await withPaths(others, { [first]: path }, ask)
      return { answer, bytes: bytesOf(answer, first) }
    })
    return made?.answer
  }

  /** Asks with a file for each format, and keeps what was written into it. */
  async function withPaths(
    [format, ...others]: readonly PatchFormat[],
    targets: PatchQuestion['targets'],
    ask: (targets: PatchQuestion['targets']) => Promise<PatchAnswer>,
  ): Promise<PatchAnswer> {
    if (format === undefined) return ask(targets)
    const { answer } = await maker.makeAt(async (path) => {
      const answer = await withPaths(others, { ...targets, [format]: path }, ask)
      return { answer, bytes: bytesOf(answer, format) }
    })
    return answer
  }

  /** Of what nothing came of, too: devices take the whole archive. */
  async function record({ item, result }: WorkedOff<AwaitingPatch, PatchAnswer>): Promise<void> {
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
      const patches = Object.entries(made.made)
      await artifacts.register(
        tx,
        patches.map(([, bytes]) => asPart(bytes)),
      )
      const of = { sha256, base_sha256: base.sha256, kind: 'patch' as const, created_at: clock.now() }
      await insertVariants(
        tx,
        patches.map(([algorithm, bytes]) => ({ ...of, algorithm, variant_sha256: bytes.sha256 })),
      )
      await raiseReleases(tx, change, await listReleasesWith(tx, [sha256]))
    })
  }

  return { wake, lookAgain, stop: () => stop(thread.closeNow) }
}

function nameOf({ appId, platform, channel, kind, runtimeVersion = '' }: PatchPlace): string {
  return [appId, platform, channel, kind, runtimeVersion].join('/')
}
