/// Bytes that a release consists of, whatever its kind.
public struct ContentArtifact: Equatable {
  /// What the bytes are to the release, such as "bundle.zip".
  public var name: String
  /// Lower-case hex of the SHA-256 of exactly these bytes.
  public var sha256: String
  public var sizeBytes: Int
}

/// Signing §1: what does not fit is listed in an artifact whose digest is signed (Content §4).
let maxArtifacts = 200

func readArtifacts(_ value: JsonValue?, _ pointer: String) throws -> [ContentArtifact] {
  let artifacts = try readArray(value, pointer, maxLength: maxArtifacts).enumerated().map {
    try readArtifact($1, "\(pointer)/\($0)")
  }
  var names: Set<ExactText> = []
  for (index, artifact) in artifacts.enumerated() where !names.insert(ExactText(artifact.name)).inserted {
    // Two readers must not take different bytes for the same thing.
    throw UnexpectedJsonError("\(pointer)/\(index)/name", expected: "a name of its own", found: .string(artifact.name))
  }
  return artifacts
}

private func readArtifact(_ value: JsonValue, _ pointer: String) throws -> ContentArtifact {
  let json = try readObject(value, pointer)
  return ContentArtifact(
    name: try readString(json["name"], "\(pointer)/name"),
    sha256: try readSha256(json["sha256"], "\(pointer)/sha256"),
    sizeBytes: try readInteger(json["sizeBytes"], "\(pointer)/sizeBytes", minimum: 0)
  )
}

/// Of a kind that consists of artifacts with names of their own: exactly these, in this order.
func expectNamed(_ artifacts: [ContentArtifact], _ names: [String]) throws {
  if artifacts.count != names.count {
    let expected =
      names.count == 1
      ? "one artifact, \"\(names[0])\"" : "\(names.count) artifacts, \(names.joined(separator: ", "))"
    throw UnexpectedJsonError("/artifacts", expected: expected, found: .array(artifacts.map { .string($0.name) }))
  }
  for (index, (artifact, name)) in zip(artifacts, names).enumerated() where !isSameText(artifact.name, name) {
    throw UnexpectedJsonError("/artifacts/\(index)/name", expected: "\"\(name)\"", found: .string(artifact.name))
  }
}

/// What is signed and means nothing would be fetched by one reader and passed over by another.
func expectAllNamed(_ artifacts: [ContentArtifact], _ names: [String?]) throws {
  let named = Set(names.compactMap { $0 }.map(ExactText.init))
  for (index, artifact) in artifacts.enumerated() where !named.contains(ExactText(artifact.name)) {
    let pointer = "/artifacts/\(index)/name"
    throw UnexpectedJsonError(pointer, expected: "one that the content names", found: .string(artifact.name))
  }
}

/// The name of an artifact of the same statement.
func readArtifactName(_ value: JsonValue?, _ pointer: String, _ artifacts: [ContentArtifact]) throws -> String {
  try readString(value, pointer, expected: "the name of one of the artifacts") { name in
    artifacts.contains { isSameText($0.name, name) }
  }
}
