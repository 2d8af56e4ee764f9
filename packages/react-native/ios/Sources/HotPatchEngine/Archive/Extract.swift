private let readBytes = 16 * 1024
private let writeBytes = 256 * 1024

/// Every file of the archive, below a folder that is there and empty.
func extractInto(_ ports: Ports, _ archive: ArchiveFile, _ entries: [ArchiveEntry], _ root: String) throws -> [ReleaseFile] {
  var extracted: [ReleaseFile] = []
  for entry in entries {
    if entry.isFolder {
      // Folders come into being with their files. Nothing may hide in what is said of them.
      try readEntry(archive, entry, ports.unpacking, take: { _ in }, pause: {})
      continue
    }
    let target = "\(root)/\(entry.path)"
    try ports.files.makeDirectory(parentOf(target))
    extracted.append(try extractEntry(ports, archive, entry, target))
  }
  return extracted
}

private func extractEntry(
  _ ports: Ports, _ archive: ArchiveFile, _ entry: ArchiveEntry, _ target: String
) throws -> ReleaseFile {
  let files = ports.files
  let hasher = ports.crypto.sha256()
  var (seen, written) = (0, 0)
  var held: [UInt8] = []
  func flush() throws {
    try files.append(target, offset: written, held)
    written = seen
    held = []
  }
  try readEntry(
    archive, entry, ports.unpacking,
    take: { bytes in
      seen += bytes.count
      hasher.update(bytes)
      held += bytes
    },
    pause: { if seen - written >= writeBytes { try flush() } })
  if written == 0 {
    try files.write(target, held)
  } else {
    try flush()
    try files.sync(target)
  }
  return ReleaseFile(path: entry.path, sha256: hexFromBytes(hasher.digest()), sizeBytes: seen)
}

/// Every byte of an entry's content goes to `take`; `pause` is called between what is read. Refuses what is not as it
/// says.
private func readEntry(
  _ archive: ArchiveFile, _ entry: ArchiveEntry, _ unpacking: UnpackingPort, take: @escaping ([UInt8]) -> Void,
  pause: () throws -> Void
) throws {
  let start = try findContent(archive, entry)
  var crc: UInt32 = 0
  var seen = 0
  let measure = { (bytes: [UInt8]) in
    seen += bytes.count
    if seen > entry.sizeBytes { throw refusedArchive("\(entry.path) is larger than it says") }
    crc = crc32(bytes, crc)
    take(bytes)
  }
  let inflater = entry.method == ArchiveMethod.deflated ? Inflater(entry.path, unpacking, take: measure) : nil
  for at in stride(from: 0, to: entry.packedBytes, by: readBytes) {
    let bytes = try archive.readExactly(start + at, min(readBytes, entry.packedBytes - at))
    if let inflater { try inflater.push(bytes) } else { try measure(bytes) }
    try pause()
  }
  try inflater?.end()
  if seen != entry.sizeBytes { throw refusedArchive("\(entry.path) is smaller than it says") }
  if crc != entry.crc { throw refusedArchive("\(entry.path) has another checksum than it says") }
}
