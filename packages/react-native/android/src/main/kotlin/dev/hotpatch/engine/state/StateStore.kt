package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.engine.ground.binaryOf
import dev.hotpatch.engine.ground.isoTime
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.shortDetail
import dev.hotpatch.engine.ground.writeJsonFile

/** ota/metadata.json in memory and on disk. What `current()` says is durable. */
class StateStore(private val ports: Ports, private val limits: Limits) {
  private val files get() = ports.files
  private val host get() = ports.host

  @Volatile private var state: StoredState
  private var hasRoot = false
  private var isOver = false

  init {
    val stored = readJsonFile(files, METADATA, ::readStoredState)
    val isDamaged = stored == null && files.stat(METADATA) != null
    state = stored ?: if (isDamaged) recoveredState() else StoredState(binaryOf(host))
    // A full disk may refuse it: then the next start finds the same.
    if (isDamaged) runCatching { commit { it } }
  }

  /** From whatever thread; never waits. */
  fun current(): StoredState = state

  /** Engine §6: the change and its reports become durable together, or not at all. One at a time. */
  @Synchronized
  fun commit(reports: List<NewReport> = emptyList(), change: (StoredState) -> StoredState) {
    check(!isOver) { "another start has taken over" }
    val next = bounded(change(state))
    val changed = next.copy(unreported = (next.unreported + reports.map(::newReport)).takeLast(limits.reports))
    makeRoot()
    writeJsonFile(files, METADATA, writeStoredState(changed))
    state = changed
  }

  /** Nothing is written from now on. */
  @Synchronized
  fun end() {
    isOver = true
  }

  fun newReport(report: NewReport): Report = Report(
    eventId = ports.crypto.randomUuid(),
    kind = report.kind,
    releaseId = report.releaseId,
    version = report.version,
    code = report.code,
    detail = report.detail?.let(::shortDetail),
    receivedBytes = report.receivedBytes,
    arrival = report.arrival,
    binary = binaryOf(host),
    occurredAt = isoTime(ports.clock.now()),
  )

  /** With unreadable metadata nothing stored is started, but a sequence that was once accepted still counts. */
  private fun recoveredState(): StoredState {
    val found = Slot.entries.map { inspectSlot(files, ports.crypto, it) }
    return StoredState(binaryOf(host), highWater = found.maxOf { it?.sequence ?: 0 })
  }

  private fun makeRoot() {
    if (hasRoot) return
    files.makeDirectory(ROOT)
    files.syncDirectory("")
    hasRoot = true
  }

  private fun bounded(next: StoredState): StoredState = next.copy(
    failed = next.failed.takeLast(limits.rememberedReleases),
    refused = next.refused.takeLast(limits.rememberedReleases),
    failedPatches = next.failedPatches.takeLast(limits.rememberedReleases),
  )
}
