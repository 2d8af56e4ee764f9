/// Content §1: what a release's artifacts are to each other and to whoever takes them. React Native takes archives alone;
/// the others are read so that a statement is refused for what is wrong with it.
public enum ReleaseContent: Equatable {
  case archive(ArchiveContent)
  case files
  case binary([BinaryFile])

  public var kind: ContentKind {
    switch self {
    case .archive: return .archive
    case .files: return .files
    case .binary: return .binary
    }
  }
}

public enum ContentKind: String, CaseIterable, Sendable {
  case archive, files, binary
}

public let filesManifestName = "files.json"

/// @throws UnexpectedJsonError
func readReleaseContent(_ value: JsonValue?, _ artifacts: [ContentArtifact]) throws -> ReleaseContent {
  let json = try readObject(value, "/content")
  guard case .string(let text) = json["kind"], let kind = ContentKind(rawValue: text) else {
    let names = ContentKind.allCases.map(\.rawValue).joined(separator: ", ")
    throw UnexpectedJsonError("/content/kind", expected: "one of \(names)", found: json["kind"])
  }
  switch kind {
  case .archive: return .archive(try readArchiveContent(json, artifacts))
  case .binary: return .binary(try readBinaryFiles(json, artifacts))
  case .files:
    try expectNamed(artifacts, [filesManifestName])
    return .files
  }
}
