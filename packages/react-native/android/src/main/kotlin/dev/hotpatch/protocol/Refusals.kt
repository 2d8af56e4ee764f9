package dev.hotpatch.protocol

/** D11: what Engine §4 says of the rollout's target. What the device runs it need not take. */
internal fun refusalReason(rollout: CatalogRollout, device: Device): RefusalReason? {
  val trust = device.trust
  if (rollout.releaseId == device.currentReleaseId) return null
  val isStated = trust.keyIds.isNotEmpty()
  if (rollout.release != null) return if (isStated) refusesStatement(rollout, trust) else null
  return if (isStated && rollout.restated != null) refusesStatement(rollout, trust) else refusesPlainEmbedded(trust)
}

/** Engine §4: the server alone may send devices to embedded only while no floor is set. */
internal fun refusesPlainEmbedded(trust: DeviceTrust): RefusalReason? =
  if (trust.floor == 0L) null else RefusalReason.BELOW_DEVICE_FLOOR

private fun refusesStatement(rollout: CatalogRollout, trust: DeviceTrust): RefusalReason? {
  val signers = if (rollout.release == null) listOf(rollout.statementKeyId) else listOf(rollout.bundleKeyId, rollout.statementKeyId)
  return when {
    signers.any { it == null } -> RefusalReason.NOT_SIGNED
    signers.any { it !in trust.keyIds } -> RefusalReason.KEY_NOT_TRUSTED
    else -> refusesSequence(rollout, trust)
  }
}

private fun refusesSequence(rollout: CatalogRollout, trust: DeviceTrust): RefusalReason? {
  val sequence = rollout.sequence
  if (sequence < trust.floor) return RefusalReason.BELOW_DEVICE_FLOOR
  if (sequence < trust.highWater) {
    val isHeld = rollout.releaseId != null && rollout.releaseId == trust.heldReleaseId
    return if (isHeld) null else RefusalReason.BELOW_HIGH_WATER
  }
  if (sequence - trust.highWater > MAX_SEQUENCE_STEP) return RefusalReason.SEQUENCE_TOO_FAR
  return if (isOlderThanBinary(rollout, trust)) RefusalReason.OLDER_THAN_BINARY else null
}

/** Engine §4: only what says nothing of the binaries that it is for is judged by its time. */
private fun isOlderThanBinary(rollout: CatalogRollout, trust: DeviceTrust): Boolean {
  val (statedAt, builtAt) = rollout.statedAt to trust.builtAt
  if (rollout.release == null || rollout.release.needs != null || statedAt == null) return false
  return builtAt != null && statedAt < builtAt
}
