package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.ReportKind
import dev.hotpatch.engine.ground.UpdateEvent
import dev.hotpatch.engine.ground.UpdateState
import dev.hotpatch.engine.ground.nextState
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.engine.recovery.countOf
import dev.hotpatch.engine.state.ActiveRelease
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Standing
import dev.hotpatch.engine.state.StartCount
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.clearStartCount
import dev.hotpatch.engine.state.isSameRelease
import dev.hotpatch.engine.state.noteStartCount
import dev.hotpatch.engine.state.readStartCount
import dev.hotpatch.engine.state.writeStartCount

/**
 * What this process runs, and what it says of it. Every function may be called on any thread, while a download is under
 * way as well: they wait for one write at most.
 */
internal class Running(
  private val ports: Ports,
  val store: StateStore,
  val release: InstalledRelease?,
  val launched: Launch,
) {
  // A confirmation is due: that it comes says nothing of the app's habits.
  private val wasOnProbation = store.current().active?.standing == Standing.PROBATION

  /** ota/crash_count.json has one writer at a time. */
  private val counting = Any()
  private var isOver = false

  val active: ActiveRelease? get() = store.current().active?.takeIf { isSameRelease(it, release) }

  /** Nothing is written from now on. */
  fun end() = synchronized(counting) {
    isOver = true
    store.end()
  }

  /** False when it could not be stored: it is still on probation, and counted, and the app may ask again. */
  fun confirm(): Boolean = synchronized(counting) {
    if (isOver) return false
    try {
      if (release != null && isOnProbation()) {
        val report = NewReport(ReportKind.CONFIRMED, release.releaseId, release.version)
        store.commit(listOf(report), ::confirmActive)
        clearStartCount(ports.files)
      } else {
        noteReady()
      }
      true
    } catch (_: Exception) {
      !isOnProbation()
    }
  }

  /** As if it had been started so often, at least. False when nothing runs that could be gone back from. */
  fun noteCrash(leastStarts: Int): Boolean = synchronized(counting) {
    val active = active?.takeUnless { isOver } ?: return false
    val count = countOf(active, readStartCount(ports.files))
      ?: StartCount(active.releaseId, active.standing, starts = 1)
    val starts = maxOf(count.starts, leastStarts.toLong())
    writeStartCount(ports.files, count.copy(starts = starts, hasCrashed = true))
    return true
  }

  private fun isOnProbation(): Boolean = active?.standing == Standing.PROBATION

  /** Engine §3: an app that says it when nothing waits for it says it always, and silence means something. */
  private fun noteReady() {
    if (!store.current().tellsReady && !wasOnProbation) store.commit { it.copy(tellsReady = true) }
    val count = active?.let { countOf(it, readStartCount(ports.files)) } ?: return
    if (count.isReady) return
    val ready = count.copy(isReady = true)
    // Bad starts must not come back with a power cut: then few would be as good as many.
    if (count.starts > 1) writeStartCount(ports.files, ready) else noteStartCount(ports.files, ready)
  }
}

private fun confirmActive(state: StoredState): StoredState {
  val active = state.active ?: return state
  val from = if (active.standing == Standing.PROBATION) UpdateState.PROBATION else UpdateState.CONFIRMED
  if (nextState(from, UpdateEvent.CONFIRM) != UpdateState.CONFIRMED) return state
  // Engine §4: only what proved itself bars the way back.
  val highWater = maxOf(state.highWater, active.release.sequence)
  return state.copy(active = active.copy(standing = Standing.CONFIRMED), highWater = highWater)
}
