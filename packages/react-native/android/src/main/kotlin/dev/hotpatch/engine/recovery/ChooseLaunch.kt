package dev.hotpatch.engine.recovery

// A device must be able to choose what to launch with no network, before any of the app's own code has run,
// and after a crash at any moment. So the choice is a pure function of what is in ota/, and of nothing else.

import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.state.ActiveRelease
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Move
import dev.hotpatch.engine.state.MoveReason
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.Source
import dev.hotpatch.engine.state.Standing
import dev.hotpatch.engine.state.StartCount
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.endedBadly
import dev.hotpatch.engine.state.isSameRelease

class LaunchFacts(
  val state: StoredState,
  /** The release that each slot holds whole; absent is a slot that is empty, torn or unreadable. */
  val slots: Map<Slot, InstalledRelease>,
  val count: StartCount?,
  val binary: Binary,
  val startsOnProbation: Int,
  val badStartsInARow: Int,
)

sealed interface LaunchStep {
  data class Switch(val move: Move) : LaunchStep

  data object ForgetStaged : LaunchStep

  /** Null is what the binary shipped with. */
  data class Launch(val active: ActiveRelease?) : LaunchStep
}

/** Engine §3: the next step towards a launch. Steps are carried out, and the choice made again, until it is a launch. */
fun chooseLaunch(facts: LaunchFacts): LaunchStep {
  val (active, staged) = facts.state.active to facts.state.staged

  // Releases proved themselves on the binary that was replaced: that says nothing of this one.
  if (facts.state.binary != facts.binary) return switchTo(Source.Embedded, MoveReason.BINARY_CHANGED)
  // Whatever was begun is completed first.
  facts.state.move?.let { return LaunchStep.Switch(it) }

  if (active != null && isUsedUp(active, facts)) return switchTo(fallback(facts), whyUsedUp(active, facts))
  if (staged != null) {
    if (!isAtHand(staged, facts)) return LaunchStep.ForgetStaged
    if (staged !is Source.Pending) return switchTo(staged, MoveReason.SERVER_ORDER)
    // Only what proved itself becomes ota/previous; a release on probation is simply replaced.
    val keepsCurrent =
      active?.standing == Standing.CONFIRMED && isSameRelease(facts.slots[Slot.BUNDLE], active)
    return LaunchStep.Switch(Move(staged, MoveReason.UPDATE, keepsCurrent))
  }
  if (active == null) return LaunchStep.Launch(null)
  if (!isSameRelease(facts.slots[Slot.BUNDLE], active)) return switchTo(fallback(facts), MoveReason.DAMAGED)
  return LaunchStep.Launch(active)
}

/** Engine §3: the last stable release if it is whole and not below the floor, else what the binary shipped with. */
fun fallback(facts: LaunchFacts): Source {
  val previous = facts.state.previous ?: return Source.Embedded
  val isWhole = isSameRelease(facts.slots[Slot.PREVIOUS], previous)
  return if (isWhole && previous.sequence >= facts.state.floor) Source.Previous(previous) else Source.Embedded
}

/** Whether the release may not be started once more. */
fun isUsedUp(active: ActiveRelease, facts: LaunchFacts): Boolean {
  val count = countOf(active, facts.count) ?: return false
  if (active.standing == Standing.PROBATION) return count.hasCrashed || count.starts >= facts.startsOnProbation
  // It was good once, and one crash can have any reason.
  return endedBadly(count, facts.state.tellsReady) && count.starts >= facts.badStartsInARow
}

/** What was counted of this release, as it stands now: a count from its probation says nothing later. */
fun countOf(active: ActiveRelease, count: StartCount?): StartCount? =
  count?.takeIf { it.releaseId == active.releaseId && it.standing == active.standing }

private fun switchTo(source: Source, why: MoveReason) = LaunchStep.Switch(Move(source, why, keepsCurrent = false))

private fun whyUsedUp(active: ActiveRelease, facts: LaunchFacts): MoveReason = when {
  active.standing == Standing.CONFIRMED -> MoveReason.CRASHED_AFTER_CONFIRM
  facts.count?.hasCrashed == true -> MoveReason.CRASHED
  else -> MoveReason.NOT_CONFIRMED
}

private fun isAtHand(staged: Source, facts: LaunchFacts): Boolean = when (staged) {
  is Source.Pending -> isSameRelease(facts.slots[Slot.PENDING_FILES], staged.release)
  is Source.Previous ->
    isSameRelease(facts.slots[Slot.PREVIOUS], staged.release) && staged.release.sequence >= facts.state.floor
  is Source.Embedded -> true
}
