/// What the binary shipped with.
struct EmbeddedTree {
  /// Patches §4.
  var tree: String
  var files: [ReleaseFile]
}

private struct KnownTree {
  var embedded: EmbeddedTree
  var binary: Binary
  var builtAt: Double?
}

/// Engine §5: hashed once for each binary, and remembered in ota/embedded.json. Nothing is trusted in it: what is read as
/// a base is hashed again. Nil where the host does not show it, or shows what no release could be.
func findEmbeddedTree(_ ports: Ports, _ limits: Limits) throws -> EmbeddedTree? {
  guard let embeddedFiles = ports.embeddedFiles else { return nil }
  let listed = try embeddedFiles.list()
  if !isTree(listed, limits) { return nil }
  let binary = binaryOf(ports.host)
  let known = try readJsonFile(ports.files, StorageLayout.embedded, readKnownTree)
  if let known, known.builtAt == ports.host.builtAt, isSameBinary(known.binary, binary), isListOf(known, listed) {
    return known.embedded
  }
  let files = try listed.map {
    ReleaseFile(
      path: $0.path, sha256: try hashFile(ports.crypto, $0.path, $0.sizeBytes, embeddedFiles.readRange),
      sizeBytes: $0.sizeBytes)
  }
  let found = EmbeddedTree(tree: treeDigest(files, ports.crypto.sha256), files: files)
  remember(ports, KnownTree(embedded: found, binary: binary, builtAt: ports.host.builtAt))
  return found
}

/// It turned out to be something else: the next time it is hashed anew.
func forgetEmbeddedTree(_ files: FilesPort) throws {
  try files.remove(StorageLayout.embedded)
}

private func isTree(_ listed: [EmbeddedFile], _ limits: Limits) -> Bool {
  if listed.isEmpty || listed.count > limits.fileCount { return false }
  var bytes = 0
  for file in listed {
    // What is negative or beyond every limit is no size; a sum of such could overflow.
    guard (0...limits.unpackedBytes).contains(file.sizeBytes) else { return false }
    bytes += file.sizeBytes
    if bytes > limits.unpackedBytes { return false }
  }
  return treeFault(listed.map { ReleaseFile(path: $0.path, sha256: "", sizeBytes: $0.sizeBytes) }) == nil
}

private func isListOf(_ known: KnownTree, _ listed: [EmbeddedFile]) -> Bool {
  var sizes: [ExactText: Int] = [:]
  for file in known.embedded.files { sizes[ExactText(file.path)] = file.sizeBytes }
  return sizes.count == listed.count && listed.allSatisfy { sizes[ExactText($0.path)] == $0.sizeBytes }
}

private func remember(_ ports: Ports, _ known: KnownTree) {
  let json = jsonObject([
    ("files", writeReleaseFiles(known.embedded.files)), ("tree", .string(known.embedded.tree)),
    ("binary", writeBinary(known.binary)), ("builtAt", known.builtAt.map { .number($0) } ?? .null),
  ])
  do {
    try ports.files.makeDirectory(StorageLayout.root)
    try writeJsonFile(ports.files, StorageLayout.embedded, json)
  } catch {
    // A full disk: it is hashed again the next time.
  }
}

private func readKnownTree(_ value: JsonValue?) throws -> KnownTree {
  let json = try readObject(value, "")
  var builtAt: Double?
  if case .number(let time)? = json["builtAt"] { builtAt = time }
  let embedded = EmbeddedTree(tree: try readString(json["tree"], "/tree"), files: try readReleaseFiles(json["files"]))
  return KnownTree(embedded: embedded, binary: try readBinary(json["binary"], "/binary"), builtAt: builtAt)
}
