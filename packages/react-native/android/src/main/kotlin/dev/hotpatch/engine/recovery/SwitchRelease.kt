package dev.hotpatch.engine.recovery

import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.ground.EMBEDDED_VERSION
import dev.hotpatch.engine.ground.NewReport
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.ReportKind
import dev.hotpatch.engine.ground.UpdateEvent
import dev.hotpatch.engine.ground.UpdateState
import dev.hotpatch.engine.ground.binaryOf
import dev.hotpatch.engine.ground.nextState
import dev.hotpatch.engine.state.ActiveRelease
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Move
import dev.hotpatch.engine.state.MoveReason
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.ROOT
import dev.hotpatch.engine.state.RememberedRelease
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.Source
import dev.hotpatch.engine.state.Standing
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.clearStartCount
import dev.hotpatch.engine.state.inspectSlot
import dev.hotpatch.engine.state.isRemembered
import dev.hotpatch.engine.state.isSameRelease
import dev.hotpatch.protocol.SdkCode

/**
 * Engine §6: carries out a move. The intent is durable before the first rename; every step does nothing when it was
 * done before, so after a crash the whole is simply carried out again.
 */
fun switchRelease(ports: Ports, store: StateStore, move: Move) {
  if (store.current().move !== move) store.commit { it.copy(move = move) }
  val isDone = if (move.release == null) dropAll(ports, move) else bringIn(ports, store.current(), move)
  val reports = reportsOf(store.current(), move, isDone)
  clearStartCount(ports.files)
  store.commit(reports) { if (isDone) finishMove(it, move, binaryOf(ports.host)) else abandonMove(it, move) }
}

/** What is staged turned out not to be whole: what ran before runs again. */
fun forgetStaged(store: StateStore) {
  val release = store.current().staged?.release
  val reports = listOfNotNull(release?.let { damageOf(it.releaseId, it.version, "the staged release is damaged") })
  store.commit(reports) { it.copy(staged = null) }
}

/** Nothing older is left to fall back to; what is staged stays only where it may be the mend. */
private fun dropAll(ports: Ports, move: Move): Boolean {
  val files = ports.files
  files.remove(Slot.BUNDLE.path)
  files.remove(Slot.PREVIOUS.path)
  if (!isFallback(move)) files.remove(PENDING)
  files.syncDirectory(ROOT)
  return true
}

/** False when what was to be brought in is not whole; then what was there before is there again. */
private fun bringIn(ports: Ports, state: StoredState, move: Move): Boolean {
  val files = ports.files
  val source = if (move.source is Source.Previous) Slot.PREVIOUS else Slot.PENDING_FILES
  val bundle = inspectSlot(files, ports.crypto, Slot.BUNDLE)
  if (isSameRelease(bundle, move.release) && !isSameRelease(bundle, state.active)) return true
  // Bytes that change places are read once more, all of them.
  val isWhole = isSameRelease(inspectSlot(files, ports.crypto, source, thorough = true), move.release)
  if (!isWhole) {
    putBack(ports, state)
    return false
  }
  if (move.keepsCurrent && isSameRelease(bundle, state.active)) {
    files.remove(Slot.PREVIOUS.path)
    files.rename(Slot.BUNDLE.path, Slot.PREVIOUS.path)
  } else {
    files.remove(Slot.BUNDLE.path)
  }
  files.syncDirectory(ROOT)
  files.rename(source.path, Slot.BUNDLE.path)
  // Where it is now before where it was: at worst it is in both places, never in none.
  files.syncDirectory(ROOT)
  if (source == Slot.PENDING_FILES) files.syncDirectory(PENDING)
  return true
}

private fun putBack(ports: Ports, state: StoredState) {
  val active = state.active ?: return
  val isMovedAway = isSameRelease(inspectSlot(ports.files, ports.crypto, Slot.PREVIOUS), active)
  if (!isMovedAway || ports.files.stat(Slot.BUNDLE.path) != null) return
  ports.files.rename(Slot.PREVIOUS.path, Slot.BUNDLE.path)
  ports.files.syncDirectory(ROOT)
}

/** Engine §2: what a move means for the release that it takes out of ota/bundle. */
private fun leavingBy(why: MoveReason): UpdateEvent = when (why) {
  MoveReason.UPDATE, MoveReason.SERVER_ORDER, MoveReason.BINARY_CHANGED -> UpdateEvent.SUPERSEDED
  MoveReason.NOT_CONFIRMED, MoveReason.CRASHED, MoveReason.CRASHED_AFTER_CONFIRM -> UpdateEvent.STARTS_USED_UP
  MoveReason.DAMAGED -> UpdateEvent.DAMAGED
}

private fun isFallback(move: Move): Boolean = leavingBy(move.why) != UpdateEvent.SUPERSEDED

private fun finishMove(state: StoredState, move: Move, binary: Binary): StoredState {
  val failing = state.active?.takeIf { nextState(stateOf(it), leavingBy(move.why)) == UpdateState.ROLLED_BACK }
  val failed = state.failed + listOfNotNull(failing?.let { rememberedAs(it.release, codeOf(move.why)) })
  val isOther = move.why == MoveReason.BINARY_CHANGED
  // It can have been fetched again while it was not started, on a disk on which its starts could not be counted.
  val hasStagedFailed = state.staged?.release?.let { isRemembered(failed, it, it.sequence) } ?: false
  return state.copy(
    move = null,
    active = activeAfter(move),
    previous = previousAfter(state, move),
    staged = if (isFallback(move) && !hasStagedFailed) state.staged else null,
    failed = failed,
    // Another binary may meet what this one did not.
    refused = if (isOther) emptyList() else state.refused,
    fetching = if (isOther) null else state.fetching,
    tellsReady = !isOther && state.tellsReady,
    binary = binary,
  )
}

private fun stateOf(active: ActiveRelease): UpdateState = when (active.standing) {
  Standing.PROBATION -> UpdateState.PROBATION
  Standing.CONFIRMED -> UpdateState.CONFIRMED
}

private fun rememberedAs(release: InstalledRelease, code: SdkCode) =
  RememberedRelease(release.releaseId, release.sequence, release.sha256, code)

private fun codeOf(why: MoveReason): SdkCode = when (why) {
  MoveReason.CRASHED -> SdkCode.CRASHED
  MoveReason.CRASHED_AFTER_CONFIRM -> SdkCode.CRASHED_AFTER_CONFIRM
  else -> SdkCode.NOT_CONFIRMED
}

private fun activeAfter(move: Move): ActiveRelease? {
  val release = move.release ?: return null
  val event = if (move.source is Source.Pending) UpdateEvent.START else UpdateEvent.START_PROVEN
  val next = nextState(UpdateState.STAGED, event)
  return ActiveRelease(release, if (next == UpdateState.PROBATION) Standing.PROBATION else Standing.CONFIRMED)
}

private fun previousAfter(state: StoredState, move: Move): InstalledRelease? = when {
  move.source !is Source.Pending -> null
  move.keepsCurrent && state.active != null -> state.active.release
  else -> state.previous
}

/** What could not be brought in is forgotten; the next choice is made without it. */
private fun abandonMove(state: StoredState, move: Move): StoredState = state.copy(
  move = null,
  staged = state.staged?.takeUnless { isSameRelease(it.release, move.release) },
  previous = if (move.source is Source.Previous) null else state.previous,
)

private fun reportsOf(state: StoredState, move: Move, isDone: Boolean): List<NewReport> {
  val releaseId = move.release?.releaseId
  val version = move.release?.version ?: EMBEDDED_VERSION
  if (!isDone) return listOf(damageOf(releaseId, version, "the stored release is damaged"))
  val left = state.active?.release
  val report = when (move.why) {
    MoveReason.UPDATE, MoveReason.SERVER_ORDER -> NewReport(ReportKind.APPLIED, releaseId, version)
    MoveReason.BINARY_CHANGED ->
      left?.let { NewReport(ReportKind.APPLIED, releaseId, version, detail = "the app binary was replaced") }
    MoveReason.DAMAGED -> left?.let { damageOf(it.releaseId, it.version, "the running release is damaged") }
    MoveReason.CRASHED, MoveReason.CRASHED_AFTER_CONFIRM, MoveReason.NOT_CONFIRMED -> left?.let {
      NewReport(ReportKind.ROLLED_BACK, it.releaseId, it.version, codeOf(move.why), detail = "now runs $version")
    }
  }
  return listOfNotNull(report)
}

private fun damageOf(releaseId: String?, version: String, detail: String) =
  NewReport(ReportKind.FAILED, releaseId, version, SdkCode.STORAGE_FAILED, detail)
