/// React Native §1 and §2: how the server is asked for updates.
enum ReactNativeContract {
  /// Below the server's address; asked with POST.
  static let checkPath = "/update/check"

  static func writeCheck(
    _ told: ToldCheck, device: [(String, JsonValue?)], binary: [(String, JsonValue?)],
    attributes: [(String, JsonValue?)], cohorts: [String]
  ) -> JsonValue {
    let running: [(String, JsonValue?)] = [
      ("version", .string(told.version)),
      ("releaseId", jsonText(told.releaseId)),
      ("failedReleaseIds", jsonTexts(told.failedReleaseIds)),
      ("embeddedUpdateId", jsonText(told.embeddedUpdateId)),
    ]
    let lists: [(String, JsonValue?)] = [
      ("cohorts", cohorts.isEmpty ? nil : jsonTexts(cohorts)),
      ("patches", told.patches.isEmpty ? nil : jsonTexts(told.patches.map(\.rawValue))),
    ]
    return jsonObject(device + running + binary + attributes + told.trust.members + lists)
  }

  /// Throws UnexpectedJsonError for anything that is not as it must be.
  static func readAnswer(_ value: JsonValue) throws -> CheckAnswer {
    let json = try readObject(value, "")
    if try readBoolean(json["updateAvailable"], "/updateAvailable") { return .offer(try readOffer(json)) }
    let reason = try json["reason"].map { try readString($0, "/reason") } ?? "unknown"
    if isNothing(json["rollBackTo"]) {
      return .nothing(reason: reason, nativeUpdate: try readNativeUpdate(json["nativeUpdate"]))
    }
    guard json["rollBackTo"] == .string("embedded") else {
      throw UnexpectedJsonError("/rollBackTo", expected: "\"embedded\"", found: json["rollBackTo"])
    }
    let mandatory = try readBoolean(json["mandatory"], "/mandatory")
    return .embedded(EmbeddedOrder(signed: try readSignedStatement(json), mandatory: mandatory, reason: reason))
  }
}

private func readOffer(_ json: JsonObject) throws -> Offer {
  Offer(
    signed: try readSignedStatement(json),
    releaseId: try readShort(json["releaseId"], "/releaseId"),
    version: try readShort(json["version"], "/version"),
    bundleUrl: try readString(json["bundleUrl"], "/bundleUrl"),
    sha256: try readSha256(json["hash"], "/hash"),
    sizeBytes: try readInteger(json["sizeBytes"], "/sizeBytes", minimum: 1),
    encryption: try readEncryption(json["encryption"]),
    signature: try readNullableString(json["signature"], "/signature"),
    patch: try readPatch(json["patch"]),
    mandatory: try readBoolean(json["mandatory"], "/mandatory"),
    notes: try readNullableString(json["notes"], "/notes"))
}

/// React Native §2.2.
private func readEncryption(_ value: JsonValue?) throws -> OfferedEncryption? {
  if isNothing(value) { return nil }
  let json = try readObject(value, "/encryption")
  return OfferedEncryption(
    algorithm: try readShort(json["algorithm"], "/encryption/algorithm"),
    sha256: try readSha256(json["sha256"], "/encryption/sha256"),
    sizeBytes: try readInteger(json["sizeBytes"], "/encryption/sizeBytes", minimum: 1),
    keyIds: try readArray(json["keyIds"], "/encryption/keyIds", maxLength: maxRecipients).enumerated().map {
      try readShort($1, "/encryption/keyIds/\($0)")
    })
}

private func readPatch(_ value: JsonValue?) throws -> OfferedPatch? {
  if isNothing(value) { return nil }
  do {
    let json = try readObject(value, "/patch")
    let patch = PatchOffer(
      format: try readOneOf(json["format"], "/patch/format"),
      url: try readString(json["url"], "/patch/url"),
      sha256: try readSha256(json["sha256"], "/patch/sha256"),
      sizeBytes: try readInteger(json["sizeBytes"], "/patch/sizeBytes", minimum: 1),
      baseTree: try readSha256(json["baseTree"], "/patch/baseTree"),
      tree: try readSha256(json["tree"], "/patch/tree"))
    return .patch(patch)
  } catch let error as UnexpectedJsonError {
    return .unreadable(error)
  }
}

private func readSignedStatement(_ json: JsonObject) throws -> SignedStatement {
  SignedStatement(
    statement: try readNullableString(json["statement"], "/statement"),
    statementSignature: try readNullableString(json["statementSignature"], "/statementSignature"))
}

private func readNativeUpdate(_ value: JsonValue?) throws -> NativeUpdate? {
  if isNothing(value) { return nil }
  let json = try readObject(value, "/nativeUpdate")
  return NativeUpdate(
    minNativeVersion: try readString(json["minNativeVersion"], "/nativeUpdate/minNativeVersion"),
    releaseId: try readString(json["releaseId"], "/nativeUpdate/releaseId"))
}
