/// The first field of every statement, so that a signature can never pass for one over something else.
let releaseStatementType = "hotpatch.release.v1"

/// Signing §4: a device refuses longer statements unread.
public let maxStatementBytes = 64 * 1024

/// Signing §1: what a publisher signs. All that a device decides on lies inside the signature.
public struct ReleaseStatement: Equatable {
  public enum Target: String, Sendable { case release, embedded }

  public var appId: String
  public var platform: Platform
  public var target: Target
  /// The release's version; "embedded" when that is the target.
  public var version: String
  /// Rises with every statement for (app, platform); a device refuses one lower than it has seen.
  public var sequence: Int
  /// A device that has seen this statement never again accepts a lower sequence than this, nor embedded unsigned.
  /// 0 sets no floor; never above the statement's own sequence.
  public var floor: Int
  public var requirement: Requirement
  /// Nil: what the binary shipped with.
  public var content: ReleaseContent?
  /// All bytes of the content, whatever its kind.
  public var artifacts: [ContentArtifact]
  /// ISO 8601 in UTC. Decides for devices that know when their binary was built (Engine §4), else it is for people.
  public var createdAt: String
}

/// Signing §3: reads a statement, after its signature was verified over the bytes that `text` came from.
/// Fields that it does not know are allowed, and ignored.
/// @throws UnexpectedJsonError with the place of the first thing that is not as it must be
public func readReleaseStatement(_ text: String) throws -> ReleaseStatement {
  let json = try readObject(try readJson(text), "")
  let expected = "\"\(releaseStatementType)\""
  _ = try readString(json["type"], "/type", expected: expected) { isSameText($0, releaseStatementType) }
  guard case .string(let word) = json["target"], let target = ReleaseStatement.Target(rawValue: word) else {
    throw UnexpectedJsonError("/target", expected: "\"release\" or \"embedded\"", found: json["target"])
  }
  let artifacts = try readArtifacts(json["artifacts"], "/artifacts")
  let content = target == .release ? try readReleaseContent(json["content"], artifacts) : nil
  if target == .embedded { try expectNoContent(json, artifacts) }
  let version = try readString(json["version"], "/version")
  if target == .embedded, !isSameText(version, "embedded") {
    throw UnexpectedJsonError("/version", expected: "\"embedded\", as that is the target", found: .string(version))
  }
  let sequence = try readInteger(json["sequence"], "/sequence", minimum: 1)
  let floor = try readInteger(json["floor"], "/floor", minimum: 0)
  if floor > sequence {
    // Such a release would be below its own floor, and nothing could ever be offered again.
    throw UnexpectedJsonError("/floor", expected: "at most the sequence, \(sequence)", found: json["floor"])
  }
  return ReleaseStatement(
    appId: try readString(json["appId"], "/appId"),
    platform: try readPlatform(json["platform"], "/platform"),
    target: target, version: version, sequence: sequence, floor: floor,
    requirement: try readRequirement(json["requirement"], "/requirement"),
    content: content, artifacts: artifacts,
    createdAt: try readString(json["createdAt"], "/createdAt"))
}

private func expectNoContent(_ json: JsonObject, _ artifacts: [ContentArtifact]) throws {
  if !artifacts.isEmpty {
    let expected = "no artifacts, as the target is embedded"
    throw UnexpectedJsonError("/artifacts", expected: expected, found: json["artifacts"])
  }
  if let content = json["content"] {
    throw UnexpectedJsonError("/content", expected: "no content, as the target is embedded", found: content)
  }
}

/// @throws UnexpectedJsonError
func readRequirement(_ value: JsonValue?, _ pointer: String) throws -> Requirement {
  let json = try readObject(value, pointer)
  let text = { (name: String) in try readOptional(json[name]) { try readString($0, "\(pointer)/\(name)") } }
  var requirement = Requirement()
  requirement.minNativeVersion = try text("minNativeVersion")
  requirement.nativeRange = try text("nativeRange")
  requirement.runtimeVersion = try text("runtimeVersion")
  requirement.minOsVersion = try text("minOsVersion")
  requirement.architectures = try readOptional(json["architectures"]) {
    try readArchitectures($0, "\(pointer)/architectures")
  }
  return requirement
}

private func readArchitectures(_ value: JsonValue, _ pointer: String) throws -> [String] {
  let names = try readArray(value, pointer, maxLength: maxArchitectures)
  if names.isEmpty { throw UnexpectedJsonError(pointer, expected: "at least one architecture", found: value) }
  return try names.enumerated().map { try readString($1, "\(pointer)/\($0)") }
}
