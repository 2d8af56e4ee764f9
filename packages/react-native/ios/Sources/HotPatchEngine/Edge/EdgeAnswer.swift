/// As the server would know it of what it is told.
func deviceOf(_ told: ToldCheck, deviceId: String, _ host: HostPort) -> Device {
  Device(
    id: deviceId, nativeVersion: host.nativeVersion, runtimeVersion: host.runtimeVersion,
    currentReleaseId: told.releaseId, failedReleaseIds: told.failedReleaseIds, attributes: knownAttributes(host),
    trust: DeviceTrust(
      highWater: told.trust.highestSequence, floor: told.trust.floor, keyIds: told.trust.trustedKeys,
      heldReleaseId: told.trust.heldReleaseId, builtAt: told.trust.embeddedBuiltAt))
}

/// Rules are about what the server takes of it.
private func knownAttributes(_ host: HostPort) -> [ExactText: String] {
  var known: [ExactText: String] = [:]
  for (name, value) in toldAttributes(host) + [("nativeBuild", jsonText(host.nativeBuild))] {
    guard case .string(let text)? = value, let kind = deviceAttributes.first(where: { $0.name == name }) else { continue }
    // By UTF-16, as every engine counts. Of a character that is cut in half nothing is left that could be met.
    known[ExactText(name)] = String(decoding: text.utf16.prefix(kind.maxLength), as: UTF16.self)
  }
  return known
}

/// Throws UpdateError 'answer-invalid'.
func answerOf(_ decision: Decision, _ edge: CompiledEdgeCatalog, baseUrl: String) throws -> CheckAnswer {
  switch decision.kind {
  case .update(let release, let rollout, let mandatory):
    let restated = restatedOf(rollout, edge)
    return .offer(try offerOf(release, restated, mandatory: mandatory, edge, baseUrl: baseUrl))
  case .embedded(let rollout, let mandatory):
    let signed = rollout.flatMap { restatedOf($0, edge) } ?? signedOf(nil)
    return .embedded(EmbeddedOrder(signed: signed, mandatory: mandatory, reason: decision.reason.text))
  case .upToDate, .nativeUpdateRequired:
    let note = decision.nativeUpdate
    return .nothing(
      reason: decision.reason.text,
      nativeUpdate: note.map { NativeUpdate(minNativeVersion: $0.minNativeVersion, releaseId: $0.releaseId) })
  }
}

/// Nil: it was not stated again.
private func restatedOf(_ rollout: CatalogRollout, _ edge: CompiledEdgeCatalog) -> SignedStatement? {
  rollout.restated == nil ? nil : signedOf(edge.restatementOf(rollout.id))
}

private func signedOf(_ stated: EdgeStatement?) -> SignedStatement {
  SignedStatement(statement: stated?.statement, statementSignature: stated?.signature)
}

private func offerOf(
  _ release: CatalogRelease, _ restated: SignedStatement?, mandatory: Bool, _ edge: CompiledEdgeCatalog,
  baseUrl: String
) throws -> Offer {
  guard let offer = edge.offerOf(release.id) else {
    throw UpdateError(.answerInvalid, "the edge offers \(release.version), and says nothing of its bytes")
  }
  return Offer(
    signed: restated ?? signedOf(offer.stated), releaseId: release.id, version: release.version,
    bundleUrl: "\(baseUrl)/artifacts/\(offer.sha256)", sha256: offer.sha256, sizeBytes: offer.sizeBytes,
    encryption: nil, signature: offer.signature, patch: nil, mandatory: mandatory, notes: offer.notes)
}
