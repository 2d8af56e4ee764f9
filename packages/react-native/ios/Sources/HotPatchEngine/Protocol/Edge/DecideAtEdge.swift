/// A catalog that a device has verified, ready for decisions.
struct CompiledEdgeCatalog {
  let catalog: Catalog
  /// What only the server can judge.
  fileprivate let asksServer: [EdgeRollout]
  private var offers: [ExactText: EdgeOffer] = [:]
  private var restatements: [ExactText: EdgeStatement] = [:]

  init(_ edge: EdgeCatalog) {
    var placed: [CatalogRollout] = []
    var others: [EdgeRollout] = []
    for rollout in edge.rollouts {
      guard case .open(let open) = rollout else {
        others.append(rollout)
        continue
      }
      placed.append(rolloutOf(open))
      restatements[ExactText(open.id)] = open.restatement
    }
    if edge.floor > 0 { placed.append(floorOnly(edge.floor)) }
    for release in edge.releases { offers[ExactText(release.release.id)] = release.offer }
    catalog = Catalog(placed)
    asksServer = others
  }

  /// Nil: it is offered to nobody.
  func offerOf(_ releaseId: String) -> EdgeOffer? {
    offers[ExactText(releaseId)]
  }

  /// Of a rollout that was stated again; nil: without a statement.
  func restatementOf(_ rolloutId: String) -> EdgeStatement? {
    restatements[ExactText(rolloutId)]
  }
}

private func rolloutOf(_ rollout: OpenRollout) -> CatalogRollout {
  CatalogRollout(
    id: rollout.id, position: rollout.position, release: rollout.release, state: rollout.state,
    // The server says what has begun: a device's own clock starts nothing.
    startsAt: rollout.hasStarted ? nil : .max,
    mandatory: rollout.mandatory, mandatoryBelow: rollout.mandatoryBelow.flatMap(parseNativeVersion),
    audience: rollout.audience, restated: rollout.restated)
}

/// D10: the floor of rollouts that are not here. It is below everything, and was over from the beginning.
private func floorOnly(_ floor: Int) -> CatalogRollout {
  CatalogRollout(
    id: "floor", position: -1, release: nil, state: .halted, startsAt: nil, mandatory: false, mandatoryBelow: nil,
    audience: Audience(percentage: 0, salt: "", buckets: .tenThousand, rules: [], slice: nil),
    restated: Restated(sequence: floor, floor: floor, keyId: nil, statedAt: nil))
}

/// Static edge §8: what the server would decide, wherever that can be known from what is public. Nil: whatever the catalog
/// says, the server may say something else; for as long as nobody can ask it, nothing changes.
///
/// @param running the sequence of what the device runs; nil for embedded, and where none is known
func decideAtEdge(_ edge: CompiledEdgeCatalog, _ device: Device, now: Int, running: Int? = nil) -> Decision? {
  let decision = decide(edge.catalog, device, now: now)
  let isUncertain =
    mayBeOvertaken(edge, decision) || mayBeMandatory(edge, device, decision, now)
    || goesBackUnknown(edge, device, decision, running)
  return isUncertain ? nil : decision
}

/// Of what ends the search, or keeps the device, only what lies above could be in its place.
private func mayBeOvertaken(_ edge: CompiledEdgeCatalog, _ decision: Decision) -> Bool {
  guard let rollout = decision.rollout else { return !edge.asksServer.isEmpty }
  return edge.asksServer.contains { $0.position > rollout.position }
}

/// D8: rollouts between what the device runs and its target, whose audience or release is not known here.
private func mayBeMandatory(_ edge: CompiledEdgeCatalog, _ device: Device, _ decision: Decision, _ now: Int) -> Bool {
  switch decision.kind {
  case .upToDate, .nativeUpdateRequired: return false
  case .update, .embedded: break
  }
  guard let rollout = decision.rollout, !rollout.mandatory else { return false }
  let from = placeOf(device, edge.catalog, now: now)
  let between = edge.asksServer.filter { $0.position < rollout.position && $0.position > from }
  // What it runs may have a higher place than is known here; what is older has none above what is here.
  return between.contains { each in
    if !decision.mandatory { return each.mandatory }
    if case .asksServer = each { return true }
    return false
  }
}

/// What the device runs may be of a rollout that is not here: that it is older is no reason to go back.
private func goesBackUnknown(
  _ edge: CompiledEdgeCatalog, _ device: Device, _ decision: Decision, _ running: Int?
) -> Bool {
  guard let current = device.currentReleaseId, edge.catalog.placementsOf(current).isEmpty else { return false }
  switch decision.kind {
  case .embedded: return true
  case .update(_, let rollout, _): return running.map { rollout.sequence < $0 } ?? false
  case .upToDate, .nativeUpdateRequired: return false
  }
}
