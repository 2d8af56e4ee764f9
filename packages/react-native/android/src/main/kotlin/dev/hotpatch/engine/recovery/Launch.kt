package dev.hotpatch.engine.recovery

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.binaryOf
import dev.hotpatch.engine.state.ActiveRelease
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.Standing
import dev.hotpatch.engine.state.StartCount
import dev.hotpatch.engine.state.StateStore
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.endedBadly
import dev.hotpatch.engine.state.inspectSlot
import dev.hotpatch.engine.state.isSameRelease
import dev.hotpatch.engine.state.noteStartCount
import dev.hotpatch.engine.state.readStartCount
import dev.hotpatch.engine.state.writeStartCount

/** What a start runs. */
sealed interface Launch {
  data object Embedded : Launch

  data class Release(
    val directory: String,
    val releaseId: String,
    val version: String,
    /** Of files, where their list names one: the path, within the directory, of the file that is run first. */
    val launch: String?,
  ) : Launch
}

// Each step brings the state closer to a launch: an unfinished move, the roll-back that it uncovers, the roll-back's
// second choice, a staged update, and its damage.
private const val MAX_STEPS = 8

/**
 * Engine §3: what this start runs; null is embedded. Settles whatever a crash or the last session left behind; needs no
 * network. `inBackground`: the app is started without being shown.
 */
fun launch(ports: Ports, store: StateStore, limits: Limits, inBackground: Boolean = false): InstalledRelease? {
  repeat(MAX_STEPS) {
    val facts = gatherFacts(ports, store, limits)
    when (val step = chooseLaunch(facts)) {
      is LaunchStep.Switch -> switchRelease(ports, store, step.move)
      is LaunchStep.ForgetStaged -> forgetStaged(store)
      is LaunchStep.Launch -> {
        val active = step.active ?: return null
        if (active.standing == Standing.PROBATION) countStart(ports.files, active, facts)
        // Nobody waits for a screen: that none comes says nothing of the release.
        else if (!inBackground) noteStart(ports.files, active, facts)
        return active.release
      }
    }
  }
  error("the stored state does not settle")
}

class Found(val slot: Slot, val release: InstalledRelease)

/**
 * When the disk lets nothing be written, a release on probation cannot be counted and so is not started:
 * the last one that proved itself is, from where it lies.
 */
fun launchWithoutWriting(ports: Ports, store: StateStore, limits: Limits): Found? {
  val facts = gatherFacts(ports, store, limits)
  val active = facts.state.active
  if (facts.state.binary != facts.binary) return null
  val isWhole = active?.standing == Standing.CONFIRMED && isSameRelease(facts.slots[Slot.BUNDLE], active)
  if (active != null && isWhole && !isUsedUp(active, facts)) return Found(Slot.BUNDLE, active.release)
  return fallback(facts).release?.let { Found(Slot.PREVIOUS, it) }
}

fun launchOf(files: FilesPort, release: InstalledRelease?, slot: Slot): Launch {
  if (release == null) return Launch.Embedded
  return Launch.Release(files.locate(slot.path), release.releaseId, release.version, release.launch)
}

private fun gatherFacts(ports: Ports, store: StateStore, limits: Limits): LaunchFacts {
  val state = store.current()
  val active = state.active
  val bundle = active?.let { inspectSlot(ports.files, ports.crypto, Slot.BUNDLE) }
  val count = if (active != null || state.move != null) readStartCount(ports.files) else null
  fun factsWith(slots: Map<Slot, InstalledRelease>) =
    LaunchFacts(state, slots, count, binaryOf(ports.host), limits.startsOnProbation, limits.badStartsInARow)

  val slots = HashMap<Slot, InstalledRelease>()
  bundle?.let { slots[Slot.BUNDLE] = it }
  // The usual start, of a confirmed release that is whole, looks at one slot only.
  if (isUsual(state, bundle, factsWith(slots))) return factsWith(slots)
  for (slot in listOf(Slot.PREVIOUS, Slot.PENDING_FILES)) {
    inspectSlot(ports.files, ports.crypto, slot)?.let { slots[slot] = it }
  }
  return factsWith(slots)
}

private fun isUsual(state: StoredState, bundle: InstalledRelease?, facts: LaunchFacts): Boolean {
  val active = state.active
  val isSettled = active?.standing != Standing.PROBATION && state.staged == null && state.move == null
  return isSettled && (active == null || (isSameRelease(bundle, active) && !isUsedUp(active, facts)))
}

private fun countStart(files: FilesPort, active: ActiveRelease, facts: LaunchFacts) {
  writeStartCount(files, nextCount(active, countOf(active, facts.count)?.starts ?: 0))
}

/** Engine §3: not worth a wait for the disk, and no reason not to start what was confirmed. */
private fun noteStart(files: FilesPort, active: ActiveRelease, facts: LaunchFacts) {
  val last = countOf(active, facts.count)
  val badStarts = if (last != null && endedBadly(last, facts.state.tellsReady)) last.starts else 0
  runCatching { noteStartCount(files, nextCount(active, badStarts)) }
}

private fun nextCount(active: ActiveRelease, starts: Long) =
  StartCount(active.releaseId, active.standing, starts + 1)
