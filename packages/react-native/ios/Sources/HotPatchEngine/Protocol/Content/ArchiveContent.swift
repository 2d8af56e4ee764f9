/// Content §3: one zip, which devices unpack.
public struct ArchiveContent: Equatable {
  /// Content §3.1: what it unpacks to. Devices that verify signatures take no patches of a release that does not say it.
  public var tree: String?
  /// Content §3.2: nobody but devices with a key can have it. Nil: it is there as it is.
  public var encryption: String?
}

public let archiveName = "bundle.zip"
/// Readers that know nothing of encryption refuse a statement with a second artifact.
public let encryptedArchiveName = "bundle.zip.encrypted"

func readArchiveContent(_ json: JsonObject, _ artifacts: [ContentArtifact]) throws -> ArchiveContent {
  let encryption = try readOptional(json["encryption"]) {
    try readString($0, "/content/encryption", expected: "\"\(encryptionAlgorithm)\"") {
      isSameText($0, encryptionAlgorithm)
    }
  }
  try expectNamed(artifacts, encryption == nil ? [archiveName] : [archiveName, encryptedArchiveName])
  let tree = try readOptional(json["tree"]) { try readSha256($0, "/content/tree") }
  if encryption != nil, tree == nil {
    let expected = "64 lower-case hex digits, as it is encrypted"
    throw UnexpectedJsonError("/content/tree", expected: expected, found: nil)
  }
  return ArchiveContent(tree: tree, encryption: encryption)
}
