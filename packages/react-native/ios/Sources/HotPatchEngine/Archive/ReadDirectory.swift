private struct Directory {
  let offset: Int
  let sizeBytes: Int
  let count: Int
}

private let endSignature = 0x0605_4b50
private let endBytes = 22
private let maxComment = 0xffff
private let zip64Locator = 0x0706_4b50
private let zip64LocatorBytes = 20

private let entrySignature = 0x0201_4b50
private let entryBytes = 46
/// For extra fields and a comment, beside the path.
private let maxExtraBytes = 1024

/// Engine §4: the whole table of contents, judged before anything is unpacked.
/// @throws UpdateError `archive-invalid`
func readArchiveDirectory(_ archive: ArchiveFile, _ limits: Limits) throws -> [ArchiveEntry] {
  let directory = try findDirectory(archive)
  if directory.count > limits.fileCount {
    throw refusedArchive("it has \(directory.count) entries, allowed are \(limits.fileCount)")
  }
  let longest = directory.count * (entryBytes + limits.pathBytes + maxExtraBytes)
  if directory.sizeBytes > longest { throw refusedArchive("its table of contents is too long") }
  let bytes = try archive.readExactly(directory.offset, directory.sizeBytes)
  let entries = try parseEntries(bytes, directory.count, limits)
  try judgeTogether(entries, limits)
  return try placeEntries(entries, directory)
}

private func findDirectory(_ archive: ArchiveFile) throws -> Directory {
  let length = min(archive.sizeBytes, zip64LocatorBytes + endBytes + maxComment)
  let tail = try archive.readExactly(archive.sizeBytes - length, length)
  // The last one, and no other: two readers must not find two different archives.
  var at = length - endBytes
  while at >= 0, uint32(tail, at) != endSignature { at -= 1 }
  if at < 0 { throw refusedArchive("it is not a ZIP archive") }
  if at + endBytes + uint16(tail, at + 20) != length { throw refusedArchive("its end is not where it should be") }
  let (here, count) = (uint16(tail, at + 8), uint16(tail, at + 10))
  let (sizeBytes, offset) = (uint32(tail, at + 12), uint32(tail, at + 16))
  if uint32(tail, at + 4) != 0 || here != count { throw refusedArchive("it is split over several files") }
  let hasLocator = at >= zip64LocatorBytes && uint32(tail, at - zip64LocatorBytes) == zip64Locator
  if hasLocator || count == 0xffff || sizeBytes == 0xffff_ffff || offset == 0xffff_ffff {
    throw refusedArchive("ZIP64 is not supported")
  }
  if offset + sizeBytes != archive.sizeBytes - length + at {
    throw refusedArchive("its table of contents is not where it should be")
  }
  return Directory(offset: offset, sizeBytes: sizeBytes, count: count)
}

private func parseEntries(_ bytes: [UInt8], _ count: Int, _ limits: Limits) throws -> [ArchiveEntry] {
  var entries: [ArchiveEntry] = []
  var at = 0
  for _ in 0..<count {
    if at + entryBytes > bytes.count || uint32(bytes, at) != entrySignature {
      throw refusedArchive("its table of contents is torn")
    }
    let nameEnd = at + entryBytes + uint16(bytes, at + 28)
    let extraEnd = nameEnd + uint16(bytes, at + 30)
    let end = extraEnd + uint16(bytes, at + 32)
    if end > bytes.count { throw refusedArchive("its table of contents is torn") }
    let nameBytes = Array(bytes[at + entryBytes..<nameEnd])
    guard let path = textFromUtf8(nameBytes) else { throw refusedArchive("it has a name that is not UTF-8") }
    let entry = ArchiveEntry(
      path: path, nameBytes: nameBytes, flags: uint16(bytes, at + 8), method: uint16(bytes, at + 10),
      crc: UInt32(uint32(bytes, at + 16)), packedBytes: uint32(bytes, at + 20), sizeBytes: uint32(bytes, at + 24),
      headerOffset: uint32(bytes, at + 42))
    try judgeEntry(entry, attributes: uint32(bytes, at + 38), limits)
    try checkExtraFields(path, nameBytes, bytes[nameEnd..<extraEnd])
    entries.append(entry)
    at = end
  }
  if at != bytes.count { throw refusedArchive("its table of contents has something after the last entry") }
  return entries
}

private func judgeTogether(_ entries: [ArchiveEntry], _ limits: Limits) throws {
  if let conflict = findPathConflict(entries.map(\.path)) {
    throw refusedArchive("of \(conflict.path) and \(conflict.other) only one can be")
  }
  if entries.allSatisfy(\.isFolder) { throw refusedArchive("it has no files") }
  let unpacked = entries.reduce(0) { $0 + $1.sizeBytes }
  if unpacked > limits.unpackedBytes {
    throw refusedArchive("unpacked it has \(unpacked) bytes, allowed are \(limits.unpackedBytes)")
  }
}

/// The archive is one chain of entries from its first byte to the table of contents. Entries that share bytes would
/// unpack to far more than the archive's size suggests; bytes of no entry would be files to other readers.
private func placeEntries(_ entries: [ArchiveEntry], _ directory: Directory) throws -> [ArchiveEntry] {
  let sorted = entries.indices.sorted { entries[$0].headerOffset < entries[$1].headerOffset }
  if sorted.first.map({ entries[$0].headerOffset }) != 0 {
    throw refusedArchive("something is before its first entry")
  }
  var placed = entries
  for (place, index) in sorted.enumerated() {
    placed[index].end = place + 1 < sorted.count ? entries[sorted[place + 1]].headerOffset : directory.offset
  }
  return placed
}
