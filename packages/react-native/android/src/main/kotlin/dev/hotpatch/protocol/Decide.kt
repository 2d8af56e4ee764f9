package dev.hotpatch.protocol

/** D9: a newer release waits for a newer shell. */
class NativeUpdateNote(val minNativeVersion: String, val releaseId: String)

/** The answer to a check. */
sealed class Decision(val reason: DecisionReason, val nativeUpdate: NativeUpdateNote?) {
  /** The rollout that gives the device what it runs, or shall run; null when no rollout does. */
  abstract val rollout: CatalogRollout?

  class UpToDate(override val rollout: CatalogRollout?, reason: DecisionReason, note: NativeUpdateNote?) :
    Decision(reason, note)

  class NativeUpdateRequired(note: NativeUpdateNote) : Decision(RequirementReason.NATIVE_TOO_OLD, note) {
    override val rollout: CatalogRollout? get() = null
  }

  class Update(
    val release: CatalogRelease,
    override val rollout: CatalogRollout,
    val mandatory: Boolean,
    reason: DecisionReason,
    note: NativeUpdateNote?,
  ) : Decision(reason, note)

  /** Back to what the binary shipped with. The rollout is null when no rollout says so, but D6. */
  class Embedded(
    override val rollout: CatalogRollout?,
    val mandatory: Boolean,
    reason: DecisionReason,
    note: NativeUpdateNote?,
  ) : Decision(reason, note)
}

/**
 * What one device gets now (rules D1–D11). Total: it has an answer for every input, does no I/O and never throws. The same
 * as `decide.ts` of the servers, of what an edge may say.
 *
 * @param now milliseconds since 1970
 */
fun decide(catalog: Catalog, device: Device, now: Long): Decision = Deciding(catalog, device, now).decide()

/** D8. Where the device got its release from; what is only scheduled is not. Below everything when that is not known. */
internal fun placeOf(device: Device, catalog: Catalog, now: Long): Long =
  catalog.placementsOf(device.currentReleaseId).find { hasStarted(it, now) }?.position ?: Long.MIN_VALUE

/** D2. */
internal fun hasStarted(rollout: CatalogRollout, now: Long): Boolean = rollout.startsAt == null || rollout.startsAt <= now

private val CatalogRollout.isGone get() = state == RolloutState.HALTED || state == RolloutState.WITHDRAWN

/** What the search from the top has come to. */
private class Found(
  /** D1, D6: the first that no rule passes over. */
  val target: CatalogRollout?,
  /** D9: the topmost for which only the shell is too old. */
  val waiting: CatalogRollout?,
  /** D11: of the topmost for which only the device speaks against it. */
  val refusal: PassedOverReason?,
  val firstReason: PassedOverReason?,
)

/** What stays the same while one check is judged. */
private class Deciding(private val catalog: Catalog, private val device: Device, private val now: Long) {
  private val floor = floorNow()
  private val native = device.nativeVersion?.let(::parseNativeVersion)
  private val told = ToldAttributes(device)

  fun decide(): Decision {
    val found = findTarget()
    val target = found.target
    val waiting = found.waiting
    val note = waiting?.let(::nativeUpdateNote)
    // D7: identity is the release, not the rollout.
    if (target != null && target.releaseId == device.currentReleaseId) {
      return Decision.UpToDate(target, AnswerReason.RUNS_THE_TARGET, note)
    }
    val placements = device.currentReleaseId?.let(catalog::placementsOf).orEmpty()
    // D7: its audience shrank, but nothing else speaks against what it runs.
    val kept = placements.find { (target == null || it.position > target.position) && isKept(it) }
    if (kept != null) {
      // D9: a newer shell would change nothing for what lies below the release that it keeps.
      val above = note?.takeIf { waiting.position > kept.position }
      return Decision.UpToDate(kept, AnswerReason.AHEAD_OF_ROLLOUT, above)
    }
    return if (target != null) offer(target, note) else nothingFits(placements, found, note)
  }

  private fun nothingFits(placements: List<CatalogRollout>, found: Found, note: NativeUpdateNote?): Decision {
    // D6: what it runs was taken back, and nothing else fits.
    val isTakenBack = wasTakenBack(placements)
    val stays = if (isTakenBack) staysOnTakenBack() else null
    if (isTakenBack && stays == null) {
      return Decision.Embedded(null, mandatory = false, AnswerReason.RELEASE_TAKEN_BACK, note)
    }
    if (note != null) return Decision.NativeUpdateRequired(note)
    // D11: that something is for it, and it would refuse it, says more than what is wrong with the topmost.
    val reason = stays ?: found.refusal ?: found.firstReason ?: AnswerReason.NOTHING_PUBLISHED
    return Decision.UpToDate(null, reason, null)
  }

  private fun findTarget(): Found {
    var waiting: CatalogRollout? = null
    var refusal: PassedOverReason? = null
    var firstReason: PassedOverReason? = null
    for (rollout in catalog.rollouts) {
      val reason = passedOver(rollout) ?: return Found(rollout, waiting, refusal, firstReason)
      firstReason = firstReason ?: reason
      if (reason == RequirementReason.NATIVE_TOO_OLD) waiting = waiting ?: rollout
      if (refusal == null && reason is RefusalReason && fitsOtherwise(rollout)) refusal = reason
    }
    return Found(null, waiting, refusal, firstReason)
  }

  /**
   * The rules in the order of judgement: what holds for good before what can be changed from here. The native minimum is
   * the last thing that can fail, so that `native-too-old` means: everything else fits (D9).
   */
  private fun passedOver(rollout: CatalogRollout): PassedOverReason? =
    notInForce(rollout)
      ?: NotForDeviceReason.BELOW_FLOOR.takeIf { rollout.sequence < floor }
      ?: NotForDeviceReason.FAILED_ON_THIS_DEVICE.takeIf { hasFailed(rollout) }
      ?: refusalReason(rollout, device)
      ?: outside(rollout)
      ?: unmetRequirement(rollout)

  /** D2. A paused rollout is in force for those who have it. */
  private fun notInForce(rollout: CatalogRollout): PassedOverReason? = when {
    rollout.state == RolloutState.HALTED -> NotForDeviceReason.HALTED
    rollout.state == RolloutState.WITHDRAWN -> NotForDeviceReason.WITHDRAWN
    !hasStarted(rollout, now) -> NotForDeviceReason.NOT_STARTED
    rollout.state == RolloutState.PAUSED && rollout.releaseId != device.currentReleaseId -> NotForDeviceReason.PAUSED
    else -> null
  }

  /** D4. Embedded cannot fail: there is nothing below it. */
  private fun hasFailed(rollout: CatalogRollout): Boolean =
    rollout.releaseId != null && rollout.releaseId in device.failedReleaseIds

  /** D5. */
  private fun outside(rollout: CatalogRollout): OutsideReason? = outsideReason(rollout.audience, device.id, told)

  /** D3. */
  private fun unmetRequirement(rollout: CatalogRollout): RequirementReason? {
    val needs = rollout.release?.needs ?: return null
    val attributes = device.attributes
    return requirementReason(
      needs,
      RequirementSubject(native, device.runtimeVersion, attributes["osVersion"], attributes["architecture"]),
    )
  }

  /** What is judged after D11. */
  private fun fitsOtherwise(rollout: CatalogRollout): Boolean =
    outside(rollout) == null && unmetRequirement(rollout) == null

  /** D7. Whether only the audience speaks against it. */
  private fun isKept(rollout: CatalogRollout): Boolean =
    passedOver(rollout) is OutsideReason && unmetRequirement(rollout) == null

  private fun offer(target: CatalogRollout, note: NativeUpdateNote?): Decision {
    val mandatory = isMandatory(target) || hasSkippedMandatory(target)
    val release = target.release ?: return Decision.Embedded(target, mandatory, AnswerReason.PERCENTAGE, note)
    return Decision.Update(release, target, mandatory, AnswerReason.PERCENTAGE, note)
  }

  /** D8. */
  private fun isMandatory(rollout: CatalogRollout): Boolean {
    val below = rollout.mandatoryVersion
    if (rollout.mandatory || below == null) return rollout.mandatory
    return native != null && compareNativeVersions(native, below) < 0
  }

  /** D8. Rollouts between what the device runs and its target, that it could have had. */
  private fun hasSkippedMandatory(target: CatalogRollout): Boolean {
    val from = placeOf(device, catalog, now)
    return catalog.mandatory.any {
      it.position > from && it.position < target.position && isMandatory(it) && passedOver(it) == null
    }
  }

  /** D6. A rollout of the same release that is only scheduled does not hold devices on it until then. */
  private fun wasTakenBack(placements: List<CatalogRollout>): Boolean =
    placements.any { it.isGone } && placements.all { it.isGone || !hasStarted(it, now) }

  /** D10, D11: embedded has sequence 0, so a floor keeps devices from it unless the publisher signs for it. */
  private fun staysOnTakenBack(): PassedOverReason? =
    if (floor > 0) NotForDeviceReason.BELOW_FLOOR else refusesPlainEmbedded(device.trust)

  /** D10. The highest floor that a publisher signed and that has come into force; taking a rollout back lifts its floor. */
  private fun floorNow(): Long = catalog.rollouts
    .filter { hasStarted(it, now) && it.state != RolloutState.WITHDRAWN }
    .maxOfOrNull { it.floor } ?: 0
}

private fun nativeUpdateNote(rollout: CatalogRollout): NativeUpdateNote? {
  val release = rollout.release ?: return null
  return release.requirement.minNativeVersion?.let { NativeUpdateNote(it, release.id) }
}
