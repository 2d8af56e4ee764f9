/// After its bytes were held against the SHA-256 and the size of a verified pointer. Fields that it does not know are
/// ignored.
/// @throws UnexpectedJsonError
func readEdgeCatalog(_ text: String) throws -> EdgeCatalog {
  let json = try readTyped(text, edgeCatalogType)
  let items = try readArray(json["releases"], "/releases", maxLength: maxEdgeRollouts)
  let releases = try items.enumerated().map { try readRelease($1, "/releases/\($0)") }
  var byId: [ExactText: EdgeRelease] = [:]
  for release in releases { byId[ExactText(release.release.id)] = release }
  if byId.count != releases.count {
    throw UnexpectedJsonError("/releases", expected: "no id twice", found: json["releases"])
  }
  let rollouts = try readArray(json["rollouts"], "/rollouts", maxLength: maxEdgeRollouts + 1)
  return EdgeCatalog(
    appId: try readShort(json["appId"], "/appId"),
    platform: try readPlatform(json["platform"], "/platform"),
    channel: try readShort(json["channel"], "/channel"),
    floor: try readInteger(json["floor"], "/floor", minimum: 0),
    releases: releases,
    rollouts: try rollouts.enumerated().map { try readRollout($1, "/rollouts/\($0)", byId) })
}

private func readRelease(_ value: JsonValue, _ pointer: String) throws -> EdgeRelease {
  let json = try readObject(value, pointer)
  let release = CatalogRelease(
    id: try readShort(json["id"], "\(pointer)/id"),
    version: try readShort(json["version"], "\(pointer)/version"),
    sequence: try readInteger(json["sequence"], "\(pointer)/sequence", minimum: 0),
    requirement: try readRequirement(json["requirement"], "\(pointer)/requirement"),
    floor: try readInteger(json["floor"], "\(pointer)/floor", minimum: 0),
    keyId: try readNullable(json["keyId"]) { try readShort($0, "\(pointer)/keyId") },
    isStated: try readBoolean(json["isStated"], "\(pointer)/isStated"),
    statedAt: try readNullable(json["statedAt"]) { try readInteger($0, "\(pointer)/statedAt", minimum: 0) })
  return EdgeRelease(release: release, offer: try readNullable(json["offer"]) { try readOffer($0, "\(pointer)/offer") })
}

private func readOffer(_ value: JsonValue?, _ pointer: String) throws -> EdgeOffer {
  let json = try readObject(value, pointer)
  return EdgeOffer(
    sha256: try readSha256(json["sha256"], "\(pointer)/sha256"),
    sizeBytes: try readInteger(json["sizeBytes"], "\(pointer)/sizeBytes", minimum: 1),
    signature: try readNullable(json["signature"]) { try readString($0, "\(pointer)/signature") },
    stated: try readStated(json["stated"], "\(pointer)/stated"),
    notes: try readNullable(json["notes"]) { try readString($0, "\(pointer)/notes") })
}

private func readStated(_ value: JsonValue?, _ pointer: String) throws -> EdgeStatement? {
  try readNullable(value) {
    let json = try readObject($0, pointer)
    return EdgeStatement(
      statement: try readString(json["statement"], "\(pointer)/statement"),
      signature: try readString(json["statementSignature"], "\(pointer)/statementSignature"))
  }
}

private func readRollout(
  _ value: JsonValue, _ pointer: String, _ releases: [ExactText: EdgeRelease]
) throws -> EdgeRollout {
  let json = try readObject(value, pointer)
  let position = try readInteger(json["position"], "\(pointer)/position", minimum: 0)
  let mandatory = try readBoolean(json["mandatory"], "\(pointer)/mandatory")
  let kind = try readString(json["kind"], "\(pointer)/kind")
  if isSameText(kind, "open") { return .open(try readOpen(json, pointer, releases, position, mandatory)) }
  if isSameText(kind, "older") { return .older(position: position, mandatory: mandatory) }
  // What a later server says in another way, this device cannot judge: it asks.
  return .asksServer(position: position, mandatory: mandatory)
}

private func readOpen(
  _ json: JsonObject, _ pointer: String, _ releases: [ExactText: EdgeRelease], _ position: Int, _ mandatory: Bool
) throws -> OpenRollout {
  let state = try readState(json["state"], "\(pointer)/state")
  let release = try readTarget(json["target"], "\(pointer)/target", state, releases)
  let restated = try readNullable(json["restated"]) { try readObject($0, "\(pointer)/restated") }
  return OpenRollout(
    id: try readShort(json["id"], "\(pointer)/id"),
    position: position, release: release, state: state,
    hasStarted: try readBoolean(json["hasStarted"], "\(pointer)/hasStarted"),
    mandatory: mandatory,
    mandatoryBelow: try readNullable(json["mandatoryBelow"]) { try readShort($0, "\(pointer)/mandatoryBelow") },
    audience: try readAudience(json["audience"], "\(pointer)/audience"),
    restated: try restated.map { try readRestated($0, "\(pointer)/restated") },
    restatement: try restated.flatMap { try readStated($0["stated"], "\(pointer)/restated/stated") })
}

private func readState(_ value: JsonValue?, _ pointer: String) throws -> RolloutState {
  if case .string(let text)? = value, let state = RolloutState(rawValue: text) { return state }
  throw UnexpectedJsonError(pointer, expected: "active, paused, halted or withdrawn", found: value)
}

private let embedded = "embedded"

private func readTarget(
  _ value: JsonValue?, _ pointer: String, _ state: RolloutState, _ releases: [ExactText: EdgeRelease]
) throws -> CatalogRelease? {
  let target = try readShort(value, pointer)
  let found = releases[ExactText(target)]
  let isEmbedded = isSameText(target, embedded)
  if !isEmbedded, found == nil {
    throw UnexpectedJsonError(pointer, expected: "\"embedded\", or the id of one of the releases", found: value)
  }
  if let found, found.offer == nil, state == .active || state == .paused {
    throw UnexpectedJsonError(pointer, expected: "a release with an offer", found: value)
  }
  return isEmbedded ? nil : found?.release
}

private func readAudience(_ value: JsonValue?, _ pointer: String) throws -> Audience {
  let json = try readObject(value, pointer)
  return Audience(
    percentage: try readPercentage(json["percentage"], "\(pointer)/percentage"),
    salt: try readText(json["salt"], "\(pointer)/salt"),
    buckets: try readBuckets(json["buckets"], "\(pointer)/buckets"),
    rules: try readAttributeRules(json["rules"], "\(pointer)/rules"),
    slice: try readNullable(json["slice"]) { try readSlice($0, "\(pointer)/slice") })
}

private func readPercentage(_ value: JsonValue?, _ pointer: String) throws -> Double {
  if case .number(let number)? = value, number >= 0, number <= 100 { return number }
  throw UnexpectedJsonError(pointer, expected: "a number from 0 to 100", found: value)
}

private func readBuckets(_ value: JsonValue?, _ pointer: String) throws -> BucketRule {
  switch value {
  case .number(100)?: return .hundred
  case .number(1_000)?: return .thousand
  case .number(10_000)?: return .tenThousand
  case .string(let text)? where isSameText(text, "code-push"): return .codePush
  default: throw UnexpectedJsonError(pointer, expected: "100, 1000, 10000 or \"code-push\"", found: value)
  }
}

private func readSlice(_ value: JsonValue?, _ pointer: String) throws -> AudienceSlice {
  let json = try readObject(value, pointer)
  return AudienceSlice(
    salt: try readText(json["salt"], "\(pointer)/salt"),
    from: try readInteger(json["from"], "\(pointer)/from", minimum: 0),
    to: try readInteger(json["to"], "\(pointer)/to", minimum: 0))
}

private func readRestated(_ json: JsonObject, _ pointer: String) throws -> Restated {
  Restated(
    sequence: try readInteger(json["sequence"], "\(pointer)/sequence", minimum: 1),
    floor: try readInteger(json["floor"], "\(pointer)/floor", minimum: 0),
    keyId: try readNullable(json["keyId"]) { try readShort($0, "\(pointer)/keyId") },
    statedAt: try readNullable(json["statedAt"]) { try readInteger($0, "\(pointer)/statedAt", minimum: 0) })
}

private let maxText = 200

private func readText(_ value: JsonValue?, _ pointer: String) throws -> String {
  try readString(value, pointer, expected: "a short text, or none") { text in
    text.utf16.count <= maxText && !text.utf8.contains(0)
  }
}
