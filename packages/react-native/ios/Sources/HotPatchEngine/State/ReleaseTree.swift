/// As it lies in a release directory, below that.
typealias ReleaseFile = TreeFile

/// Engine §1: what a release directory holds, written by the engine after everything else in it is durable.
struct ReleaseMarker {
  var release: InstalledRelease
  var files: [ReleaseFile]
}

private let maxFiles = 1_000_000
private let pieceBytes = 256 * 1024

func writeMarker(_ files: FilesPort, _ root: String, _ marker: ReleaseMarker) throws {
  let json = jsonObject([
    ("release", writeInstalledRelease(marker.release)), ("files", writeReleaseFiles(marker.files)),
  ])
  try writeJsonFile(files, "\(root)/\(StorageLayout.marker)", json)
}

/// Of a release, or of a tree that is being made.
struct StoredTree {
  var sha256: String
  var files: [ReleaseFile]
}

/// Which release's files may lie in a tree, finished or not.
func readTree(_ files: FilesPort, _ root: String) throws -> StoredTree? {
  try readJsonFile(files, "\(root)/\(StorageLayout.marker)") { value in
    let json = try readObject(value, "")
    let release = try json["release"].map { try readInstalledRelease($0) }
    let sha256 = try release?.sha256 ?? readString(json["sha256"], "/sha256")
    return StoredTree(sha256: sha256, files: try readReleaseFiles(json["files"]))
  }
}

/// The release that a slot holds whole, judged by the sizes of its files: cheap enough for every start.
/// A torn removal or a lost file is seen; `thorough` also reads every byte, for trees about to change places.
func inspectSlot(
  _ files: FilesPort, _ crypto: CryptoPort, _ slot: Slot, thorough: Bool = false
) throws -> InstalledRelease? {
  guard let marker = try readJsonFile(files, "\(slot.path)/\(StorageLayout.marker)", readMarker) else { return nil }
  for file in marker.files {
    let path = "\(slot.path)/\(file.path)"
    guard let stat = try files.stat(path), stat.kind == .file, stat.sizeBytes == file.sizeBytes else { return nil }
    if thorough {
      let found = try hashFile(crypto, path, file.sizeBytes, files.readRange)
      if !isSameText(found, file.sha256) { return nil }
    }
  }
  return marker.release
}

/// Reads a part of a file: its path, where from, how much.
typealias ReadRange = (_ path: String, _ offset: Int, _ length: Int) throws -> [UInt8]

func hashFile(_ crypto: CryptoPort, _ path: String, _ sizeBytes: Int, _ readRange: ReadRange) throws -> String {
  let hasher = crypto.sha256()
  var offset = 0
  while offset < sizeBytes {
    hasher.update(try readRange(path, offset, min(pieceBytes, sizeBytes - offset)))
    offset += pieceBytes
  }
  return hexFromBytes(hasher.digest())
}

private func readMarker(_ value: JsonValue?) throws -> ReleaseMarker {
  let json = try readObject(value, "")
  return ReleaseMarker(
    release: try readInstalledRelease(json["release"]), files: try readReleaseFiles(json["files"]))
}

func readReleaseFiles(_ value: JsonValue?) throws -> [ReleaseFile] {
  try readArray(value, "/files", maxLength: maxFiles).enumerated().map { index, item in
    let file = try readObject(item, "/files/\(index)")
    return ReleaseFile(
      path: try readString(file["path"], "/files/\(index)/path"),
      sha256: try readString(file["sha256"], "/files/\(index)/sha256"),
      sizeBytes: try readInteger(file["sizeBytes"], "/files/\(index)/sizeBytes", minimum: 0))
  }
}

func writeReleaseFiles(_ files: [ReleaseFile]) -> JsonValue {
  .array(
    files.map { file in
      jsonObject([
        ("path", .string(file.path)), ("sizeBytes", jsonNumber(file.sizeBytes)), ("sha256", .string(file.sha256)),
      ])
    })
}
