import { binaryOf } from '../ground/binary.ts'
import { readJson, writeJson } from '../ground/json-file.ts'
import type { Ports } from '../ground/ports.ts'
import { shortDetail, type NewReport, type Report } from '../ground/report.ts'
import type { Limits } from '../ground/settings.ts'
import { METADATA, ROOT, SLOTS, type Slot } from './storage-layout.ts'
import { inspectSlot } from './release-tree.ts'
import { freshState, readStoredState, type StoredState } from './stored-state.ts'

export type StateStore = Awaited<ReturnType<typeof openStateStore>>

type Change = (state: StoredState) => StoredState

/** ota/metadata.json in memory and on disk. What `current()` says is durable. */
export async function openStateStore(
  { files, crypto, clock, host }: Ports,
  limits: Pick<Limits, 'reports' | 'rememberedReleases'>,
) {
  const stored = await readJson(files, METADATA, readStoredState)
  const isDamaged = !stored && (await files.stat(METADATA)) !== undefined
  let state = stored ?? (isDamaged ? await recoveredState() : freshState(binaryOf(host)))
  let queue: Promise<unknown> = Promise.resolve()
  let hasRoot = false

  /** With unreadable metadata nothing stored is started, but a sequence that was once accepted still counts. */
  async function recoveredState(): Promise<StoredState> {
    const found = await Promise.all((Object.keys(SLOTS) as Slot[]).map((slot) => inspectSlot({ files, crypto }, slot)))
    const highWater = Math.max(0, ...found.map((release) => release?.sequence ?? 0))
    return { ...freshState(binaryOf(host)), highWater }
  }

  function newReport(report: NewReport): Report {
    return {
      eventId: crypto.randomUuid(),
      ...report,
      ...(report.detail !== undefined && { detail: shortDetail(report.detail) }),
      nativeVersion: host.nativeVersion,
      ...(host.nativeBuild !== undefined && { nativeBuild: host.nativeBuild }),
      ...(host.runtimeVersion !== undefined && { runtimeVersion: host.runtimeVersion }),
      occurredAt: new Date(clock.now()).toISOString(),
    }
  }

  async function makeRoot(): Promise<void> {
    if (hasRoot) return
    await files.makeDirectory(ROOT)
    await files.syncDirectory('')
    hasRoot = true
  }

  /** Engine §6: the change and its reports become durable together, or not at all. */
  function commit(change: Change, reports: readonly NewReport[] = []): Promise<void> {
    const work = queue.then(async () => {
      const next = bounded(change(state))
      const unreported = [...next.unreported, ...reports.map(newReport)].slice(-limits.reports)
      const changed = { ...next, unreported }
      await makeRoot()
      await writeJson(files, METADATA, changed)
      state = changed
    })
    queue = work.catch(() => undefined)
    return work
  }

  function bounded(next: StoredState): StoredState {
    const { failed, refused, failedPatches, ...rest } = next
    return {
      ...rest,
      failed: failed.slice(-limits.rememberedReleases),
      refused: refused.slice(-limits.rememberedReleases),
      failedPatches: failedPatches.slice(-limits.rememberedReleases),
    }
  }

  // A full disk may refuse it: then the next start finds the same.
  if (isDamaged) await commit((recovered) => recovered).catch(() => undefined)
  return { current: () => state, commit, newReport }
}
