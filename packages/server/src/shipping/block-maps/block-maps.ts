import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakingParts } from '../making/make-from-artifact.ts'
import { createWorkOff, type WorkedOff } from '../making/work-off.ts'
import { insertBlockMap, listAwaitingMaps, type AwaitingFile } from './block-map-store.ts'

export interface BlockMapQuestion {
  source: string
  /** Where to write the map. */
  target: string
  mayEmbed: boolean
}

export interface BlockMapAnswer {
  /** Of the map beside the file; undefined when it has one in itself. */
  bytes: ReceivedBytes | undefined
  /** Of the map in the file. */
  embeddedBytes: number | undefined
}

/** One at a time becomes visible: it takes seconds, and catalogs are compiled anew for it. */
const BATCH = 1

/** Content §11: maps of whole binaries, made once and for all after the publish, in a thread of its own, newest first. */
export function createBlockMaps({ db, changes, raiseReleases, clock, timers, ...parts }: MakingParts) {
  const { artifacts, log } = parts
  const maker = createMaker(parts)
  const thread = keepThread<BlockMapQuestion, BlockMapAnswer>({
    does: 'maps blocks',
    script: scriptBeside(import.meta.url, 'block-map-worker'),
    workerData: null,
    isDaemon: true,
  })
  const { wake, stop } = createWorkOff({
    does: 'mapped',
    batch: BATCH,
    list: (count) => listAwaitingMaps(db, count),
    work: (file: AwaitingFile) => maker.make(file, (files) => thread.ask({ ...files, mayEmbed: file.mayEmbed })),
    record: async (done) => {
      for (const each of done) await record(each)
    },
    timers,
    log,
  })

  /** Of what nothing came of, too: clients take the whole file. */
  async function record({ item: { sha256 }, result: made }: WorkedOff<AwaitingFile, BlockMapAnswer>): Promise<void> {
    await changes.run(async (tx, change) => {
      if (made?.bytes) await artifacts.register(tx, [asPart(made.bytes)])
      await insertBlockMap(tx, {
        sha256,
        map_sha256: made?.bytes?.sha256 ?? null,
        embedded_bytes: made?.embeddedBytes ?? null,
        created_at: clock.now(),
      })
      if (made) await raiseReleases(tx, change, await listReleasesWith(tx, [sha256]))
    })
  }

  return { wake, stop: () => stop(thread.closeNow) }
}
