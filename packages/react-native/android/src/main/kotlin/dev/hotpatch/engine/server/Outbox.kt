package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.Joined
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.readReports
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.engine.ground.writeReports
import dev.hotpatch.engine.state.OUTBOX
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.ToldTrust

/**
 * Engine §7: reports wait in ota/outbox.json until the server accepts them. A crash between sending and forgetting
 * sends one twice, under the same event id.
 */
class Outbox(
  private val files: FilesPort,
  private val store: StateStore,
  private val limits: Limits,
  private val emit: (EngineEvent) -> Unit,
) {
  private val flushing = Joined<Unit>()
  private var waiting: List<Report>? = null
  private var isOver = false

  /** Still in the metadata as well, because the disk took no more. */
  private var takenOver: Set<String> = emptySet()

  /** Sends what it can; what it cannot waits. Never throws. A second call joins the first. */
  fun flush(server: ServerApi, tellTrust: () -> ToldTrust) = flushing.run { ifPossible { deliver(server, tellTrust) } }

  /** For a disk that takes no more: told if the process lives long enough, and if the disk can at least be read. */
  fun keepInMemory(report: Report) {
    ifPossible { synchronized(this) { waiting = (load() + report).takeLast(limits.reports) } }
  }

  /** Nothing is written from now on: what is sent twice has the same id. */
  @Synchronized
  fun end() {
    isOver = true
  }

  private fun deliver(server: ServerApi, tellTrust: () -> ToldTrust) {
    takeOver()
    var atOnce = limits.reportsAtOnce
    while (true) {
      val batch = firstBatch(load(), atOnce)
      if (batch.isEmpty()) return
      when (val delivery = server.deliver(batch, tellTrust())) {
        is Delivery.Later -> return
        is Delivery.Settled -> settle(delivery.eventIds, delivery.dropped)
        // One report that the server will never take must not stand in the way of the others: look for it by halves.
        is Delivery.Refused ->
          if (batch.size > 1) atOnce = batch.size / 2
          else settle(batch.map { it.eventId }, batch.map { Dropped(it.eventId, delivery.reason) })
      }
    }
  }

  @Synchronized
  private fun takeOver() {
    val fresh = store.current().unreported
    if (fresh.isEmpty()) return
    val known = takenOver + load().map { it.eventId }
    val isSaved = save(load() + fresh.filter { it.eventId !in known })
    val taken = fresh.map { it.eventId }.toSet()
    takenOver = taken
    // Else they stay where they are, for the next process.
    if (!isSaved) return
    ifPossible { store.commit { state -> state.copy(unreported = state.unreported.filter { it.eventId !in taken }) } }
  }

  private fun settle(eventIds: List<String>, dropped: List<Dropped>) {
    val reports = synchronized(this) { load().also { all -> save(all.filter { it.eventId !in eventIds }) } }
    for ((eventId, reason) in dropped.map { it.eventId to it.reason }) {
      reports.find { it.eventId == eventId }?.let { emit(EngineEvent.ReportDropped(it, reason)) }
    }
  }

  @Synchronized
  private fun load(): List<Report> =
    waiting ?: (readJsonFile(files, OUTBOX) { readReports(it, "") } ?: emptyList()).also { waiting = it }

  /** False when the disk did not take it: then it is in memory only. */
  private fun save(reports: List<Report>): Boolean {
    val kept = reports.takeLast(limits.reports)
    waiting = kept
    return !isOver && ifPossible { writeJsonFile(files, OUTBOX, writeReports(kept)) }
  }
}

/** From the oldest on: as many as fit, of one app binary, which a request names once. */
private fun firstBatch(reports: List<Report>, atOnce: Int): List<Report> {
  val oldest = reports.firstOrNull() ?: return emptyList()
  return reports.take(atOnce).takeWhile { it.binary == oldest.binary }
}

/** What is not written down now is written down, and sent, again later: the event id makes that harmless. */
private fun ifPossible(work: () -> Unit): Boolean = runCatching(work).isSuccess
