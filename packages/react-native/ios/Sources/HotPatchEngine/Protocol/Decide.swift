/// D9: a newer release waits for a newer shell.
struct NativeUpdateNote {
  let minNativeVersion: String
  let releaseId: String
}

/// The answer to a check.
struct Decision {
  enum Kind {
    case upToDate(CatalogRollout?)
    case nativeUpdateRequired
    case update(CatalogRelease, CatalogRollout, mandatory: Bool)
    /// Back to what the binary shipped with. The rollout is nil when no rollout says so, but D6.
    case embedded(CatalogRollout?, mandatory: Bool)
  }

  let kind: Kind
  let reason: any DecisionReason
  let nativeUpdate: NativeUpdateNote?

  /// The rollout that gives the device what it runs, or shall run; nil when no rollout does.
  var rollout: CatalogRollout? {
    switch kind {
    case .upToDate(let rollout), .embedded(let rollout, _): return rollout
    case .update(_, let rollout, _): return rollout
    case .nativeUpdateRequired: return nil
    }
  }

  var mandatory: Bool {
    switch kind {
    case .update(_, _, let mandatory), .embedded(_, let mandatory): return mandatory
    case .upToDate, .nativeUpdateRequired: return false
    }
  }
}

/// What one device gets now (rules D1–D11). Total: it has an answer for every input, does no I/O and never throws. The same
/// as `decide.ts` of the servers, of what an edge may say.
///
/// @param now milliseconds since 1970
func decide(_ catalog: Catalog, _ device: Device, now: Int) -> Decision {
  Deciding(catalog, device, now).decide()
}

/// D8. Where the device got its release from; what is only scheduled is not. Below everything when that is not known.
func placeOf(_ device: Device, _ catalog: Catalog, now: Int) -> Int {
  catalog.placementsOf(device.currentReleaseId).first { hasStarted($0, now) }?.position ?? .min
}

/// D2.
private func hasStarted(_ rollout: CatalogRollout, _ now: Int) -> Bool {
  rollout.startsAt.map { $0 <= now } ?? true
}

private func isGone(_ rollout: CatalogRollout) -> Bool {
  rollout.state == .halted || rollout.state == .withdrawn
}

/// What the search from the top has come to.
private struct Found {
  /// D1, D6: the first that no rule passes over.
  var target: CatalogRollout?
  /// D9: the topmost for which only the shell is too old.
  var waiting: CatalogRollout?
  /// D11: of the topmost for which only the device speaks against it.
  var refusal: RefusalReason?
  var firstReason: (any PassedOverReason)?
}

/// What stays the same while one check is judged.
private struct Deciding {
  let catalog: Catalog
  let device: Device
  let now: Int
  /// D10. The highest floor that a publisher signed and that has come into force; taking a rollout back lifts its floor.
  let floor: Int
  let native: NativeVersion?
  let told: ToldAttributes

  init(_ catalog: Catalog, _ device: Device, _ now: Int) {
    self.catalog = catalog
    self.device = device
    self.now = now
    floor = catalog.rollouts.filter { hasStarted($0, now) && $0.state != .withdrawn }.map(\.floor).max() ?? 0
    native = device.nativeVersion.flatMap(parseNativeVersion)
    told = ToldAttributes(device)
  }

  func decide() -> Decision {
    let found = findTarget()
    let note = found.waiting.flatMap(nativeUpdateNote)
    // D7: identity is the release, not the rollout.
    if let target = found.target, isSameText(target.releaseId, device.currentReleaseId) {
      return Decision(kind: .upToDate(target), reason: AnswerReason.runsTheTarget, nativeUpdate: note)
    }
    let placements = device.currentReleaseId.map(catalog.placementsOf) ?? []
    // D7: its audience shrank, but nothing else speaks against what it runs.
    let lowest = found.target?.position ?? .min
    if let kept = placements.first(where: { (found.target == nil || $0.position > lowest) && isKept($0) }) {
      // D9: a newer shell would change nothing for what lies below the release that it keeps.
      let isAbove = found.waiting.map { $0.position > kept.position } ?? false
      return Decision(kind: .upToDate(kept), reason: AnswerReason.aheadOfRollout, nativeUpdate: isAbove ? note : nil)
    }
    return found.target.map { offer($0, note) } ?? nothingFits(placements, found, note)
  }

  private func nothingFits(_ placements: [CatalogRollout], _ found: Found, _ note: NativeUpdateNote?) -> Decision {
    // D6: what it runs was taken back, and nothing else fits.
    let isTakenBack = wasTakenBack(placements)
    let stays = isTakenBack ? staysOnTakenBack() : nil
    if isTakenBack, stays == nil {
      let kind = Decision.Kind.embedded(nil, mandatory: false)
      return Decision(kind: kind, reason: AnswerReason.releaseTakenBack, nativeUpdate: note)
    }
    if let note {
      return Decision(kind: .nativeUpdateRequired, reason: RequirementReason.nativeTooOld, nativeUpdate: note)
    }
    // D11: that something is for it, and it would refuse it, says more than what is wrong with the topmost.
    let passedOver: [(any PassedOverReason)?] = [stays, found.refusal, found.firstReason]
    let reason = passedOver.lazy.compactMap { $0 }.first
    return Decision(kind: .upToDate(nil), reason: reason ?? AnswerReason.nothingPublished, nativeUpdate: nil)
  }

  private func findTarget() -> Found {
    var found = Found()
    for rollout in catalog.rollouts {
      guard let reason = passedOver(rollout) else {
        found.target = rollout
        return found
      }
      if found.firstReason == nil { found.firstReason = reason }
      if found.waiting == nil, reason as? RequirementReason == .nativeTooOld { found.waiting = rollout }
      if found.refusal == nil, let refusal = reason as? RefusalReason, fitsOtherwise(rollout) { found.refusal = refusal }
    }
    return found
  }

  /// The rules in the order of judgement: what holds for good before what can be changed from here. The native minimum is
  /// the last thing that can fail, so that `nativeTooOld` means: everything else fits (D9).
  private func passedOver(_ rollout: CatalogRollout) -> (any PassedOverReason)? {
    if let reason = notInForce(rollout) { return reason }
    if rollout.sequence < floor { return NotForDeviceReason.belowFloor }
    if hasFailed(rollout) { return NotForDeviceReason.failedOnThisDevice }
    if let reason = refusalReason(rollout, device) { return reason }
    if let reason = outside(rollout) { return reason }
    return unmetRequirement(rollout)
  }

  /// D2. A paused rollout is in force for those who have it.
  private func notInForce(_ rollout: CatalogRollout) -> NotForDeviceReason? {
    switch rollout.state {
    case .halted: return .halted
    case .withdrawn: return .withdrawn
    case .active, .paused: break
    }
    if !hasStarted(rollout, now) { return .notStarted }
    return rollout.state == .paused && !isSameText(rollout.releaseId, device.currentReleaseId) ? .paused : nil
  }

  /// D4. Embedded cannot fail: there is nothing below it.
  private func hasFailed(_ rollout: CatalogRollout) -> Bool {
    guard let releaseId = rollout.releaseId else { return false }
    return device.failedReleaseIds.contains { isSameText($0, releaseId) }
  }

  /// D5.
  private func outside(_ rollout: CatalogRollout) -> OutsideReason? {
    outsideReason(rollout.audience, device.id, told)
  }

  /// D3.
  private func unmetRequirement(_ rollout: CatalogRollout) -> RequirementReason? {
    guard let needs = rollout.release?.needs else { return nil }
    let subject = RequirementSubject(
      native: native, runtimeVersion: device.runtimeVersion, osVersion: device.attributes[ExactText("osVersion")],
      architecture: device.attributes[ExactText("architecture")])
    return requirementReason(needs, subject)
  }

  /// What is judged after D11.
  private func fitsOtherwise(_ rollout: CatalogRollout) -> Bool {
    outside(rollout) == nil && unmetRequirement(rollout) == nil
  }

  /// D7. Whether only the audience speaks against it.
  private func isKept(_ rollout: CatalogRollout) -> Bool {
    passedOver(rollout) is OutsideReason && unmetRequirement(rollout) == nil
  }

  private func offer(_ target: CatalogRollout, _ note: NativeUpdateNote?) -> Decision {
    let mandatory = isMandatory(target) || hasSkippedMandatory(target)
    let kind = target.release.map { Decision.Kind.update($0, target, mandatory: mandatory) }
    return Decision(
      kind: kind ?? .embedded(target, mandatory: mandatory), reason: AnswerReason.percentage, nativeUpdate: note)
  }

  /// D8.
  private func isMandatory(_ rollout: CatalogRollout) -> Bool {
    guard !rollout.mandatory, let below = rollout.mandatoryBelow else { return rollout.mandatory }
    return native.map { compareNativeVersions($0, below) < 0 } ?? false
  }

  /// D8. Rollouts between what the device runs and its target, that it could have had.
  private func hasSkippedMandatory(_ target: CatalogRollout) -> Bool {
    let from = placeOf(device, catalog, now: now)
    return catalog.mandatory.contains {
      $0.position > from && $0.position < target.position && isMandatory($0) && passedOver($0) == nil
    }
  }

  /// D6. A rollout of the same release that is only scheduled does not hold devices on it until then.
  private func wasTakenBack(_ placements: [CatalogRollout]) -> Bool {
    placements.contains(where: isGone) && placements.allSatisfy { isGone($0) || !hasStarted($0, now) }
  }

  /// D10, D11: embedded has sequence 0, so a floor keeps devices from it unless the publisher signs for it.
  private func staysOnTakenBack() -> (any PassedOverReason)? {
    if floor > 0 { return NotForDeviceReason.belowFloor }
    return refusesPlainEmbedded(device.trust)
  }
}

private func nativeUpdateNote(_ rollout: CatalogRollout) -> NativeUpdateNote? {
  guard let release = rollout.release, let minimum = release.requirement.minNativeVersion else { return nil }
  return NativeUpdateNote(minNativeVersion: minimum, releaseId: release.id)
}
