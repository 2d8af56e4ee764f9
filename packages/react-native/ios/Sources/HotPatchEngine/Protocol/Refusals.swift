/// D11: what Engine §4 says of the rollout's target. What the device runs it need not take.
func refusalReason(_ rollout: CatalogRollout, _ device: Device) -> RefusalReason? {
  let trust = device.trust
  if isSameText(rollout.releaseId, device.currentReleaseId) { return nil }
  let isStated = !trust.keyIds.isEmpty
  if rollout.release != nil { return isStated ? refusesStatement(rollout, trust) : nil }
  return isStated && rollout.restated != nil ? refusesStatement(rollout, trust) : refusesPlainEmbedded(trust)
}

/// Engine §4: the server alone may send devices to embedded only while no floor is set.
func refusesPlainEmbedded(_ trust: DeviceTrust) -> RefusalReason? {
  trust.floor == 0 ? nil : .belowDeviceFloor
}

private func refusesStatement(_ rollout: CatalogRollout, _ trust: DeviceTrust) -> RefusalReason? {
  let statement = rollout.statementKeyId
  let signers = rollout.release == nil ? [statement] : [rollout.bundleKeyId, statement]
  if signers.contains(where: { $0 == nil }) { return .notSigned }
  let areTrusted = signers.allSatisfy { signer in trust.keyIds.contains { isSameText($0, signer) } }
  return areTrusted ? refusesSequence(rollout, trust) : .keyNotTrusted
}

private func refusesSequence(_ rollout: CatalogRollout, _ trust: DeviceTrust) -> RefusalReason? {
  let sequence = rollout.sequence
  if sequence < trust.floor { return .belowDeviceFloor }
  if sequence < trust.highWater {
    let isHeld = rollout.releaseId != nil && isSameText(rollout.releaseId, trust.heldReleaseId)
    return isHeld ? nil : .belowHighWater
  }
  if sequence - trust.highWater > maxSequenceStep { return .sequenceTooFar }
  return isOlderThanBinary(rollout, trust) ? .olderThanBinary : nil
}

/// Engine §4: only what says nothing of the binaries that it is for is judged by its time.
private func isOlderThanBinary(_ rollout: CatalogRollout, _ trust: DeviceTrust) -> Bool {
  guard let release = rollout.release, release.needs == nil else { return false }
  guard let statedAt = rollout.statedAt, let builtAt = trust.builtAt else { return false }
  return statedAt < builtAt
}
