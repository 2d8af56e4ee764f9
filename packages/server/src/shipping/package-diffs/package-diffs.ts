import { keepThread } from '../../ground/threads/keep-thread.ts'
import { scriptBeside } from '../../ground/threads/script-beside.ts'
import { asPart } from '../artifacts/artifact-service.ts'
import type { ReceivedBytes } from '../content/content-kind.ts'
import { listReleasesWith } from '../content/content-queries.ts'
import { createMaker, type MakingParts } from '../making/make-from-artifact.ts'
import { createUnlessItKills } from '../making/unless-it-kills.ts'
import { createWorkOff, type WorkedOff } from '../making/work-off.ts'
import { insertPackageDiffs, listAwaitingDiffs, type AwaitingDiff } from './package-diff-store.ts'

export interface PackageDiffQuestion {
  source: string
  base: string
  /** Where to write the package. */
  target: string
  /** What a device has afterwards. */
  packageHash: string
}

export interface PackageDiffAnswer {
  /** Undefined when it is not smaller enough to be worth it. */
  bytes: ReceivedBytes | undefined
}

/** What becomes visible at once. */
const BATCH = 5

/** Code Push §6: what changed since what devices run, made once and for all after the publish, in a thread of its own. */
export function createPackageDiffs({ db, changes, raiseReleases, clock, timers, ...parts }: MakingParts) {
  const { artifacts, log } = parts
  const maker = createMaker(parts)
  const unlessItKills = createUnlessItKills({ db, log })
  const thread = keepThread<PackageDiffQuestion, PackageDiffAnswer>({
    does: 'compares packages',
    script: scriptBeside(import.meta.url, 'package-diff-worker'),
    workerData: null,
    isDaemon: true,
  })
  const { wake, stop } = createWorkOff({
    does: 'compared',
    batch: BATCH,
    list: (count) => listAwaitingDiffs(db, count),
    work: (diff: AwaitingDiff) =>
      unlessItKills(`package diff ${diff.sha256} ${diff.base.sha256} ${diff.base.packageHash}`, () =>
        maker.makeFromTwo(diff, diff.base, (files) => thread.ask({ ...files, packageHash: diff.packageHash })),
      ),
    record,
    timers,
    log,
  })

  /** Of what nothing came of, too: devices take the whole package. */
  async function record(done: readonly WorkedOff<AwaitingDiff, PackageDiffAnswer>[]): Promise<void> {
    const made = done.flatMap(({ result }) => result?.bytes ?? [])
    await changes.run(async (tx, change) => {
      if (made.length > 0) await artifacts.register(tx, made.map(asPart))
      const rows = done.map(({ item: { sha256, base }, result }) => ({
        sha256,
        base_sha256: base.sha256,
        base_package: base.packageHash,
        diff_sha256: result?.bytes?.sha256 ?? null,
        created_at: clock.now(),
      }))
      await insertPackageDiffs(tx, rows)
      const keys = done.flatMap(({ item, result }) => (result?.bytes ? [item.sha256] : []))
      if (keys.length > 0) await raiseReleases(tx, change, await listReleasesWith(tx, [...new Set(keys)]))
    })
  }

  return { wake, stop: () => stop(thread.closeNow) }
}
