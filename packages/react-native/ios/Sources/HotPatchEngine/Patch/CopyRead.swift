private let pieceBytes = 256 * 1024

/// Copies a file of a base. False when it is not what it was, or cannot be read. Every byte is hashed on its way.
func copyRead(
  _ ports: Ports, from path: String, _ readRange: ReadRange, to target: String, sha256: String, sizeBytes: Int
) throws -> Bool {
  let hasher = ports.crypto.sha256()
  var offset = 0
  repeat {
    let wanted = min(pieceBytes, sizeBytes - offset)
    // A place of the disk that cannot be read any more is no reason not to fetch what was there.
    guard let bytes = try? readRange(path, offset, wanted), bytes.count == wanted else { return false }
    hasher.update(bytes)
    try ports.files.append(target, offset: offset, bytes)
    offset += pieceBytes
  } while offset < sizeBytes
  if !isSameText(hexFromBytes(hasher.digest()), sha256) { return false }
  try ports.files.sync(target)
  return true
}
