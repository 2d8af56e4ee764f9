private let headerSignature = 0x0403_4b50
private let headerBytes = 30
private let descriptorSignature: UInt32 = 0x0807_4b50
private let descriptorBytes = 16

/// Engine §4: where an entry's content begins. Its header, its content and what follows fill the place up to the next
/// part, and say what the table of contents says: readers that go by the one and by the other unpack the same.
func findContent(_ archive: ArchiveFile, _ entry: ArchiveEntry) throws -> Int {
  let header = try readOwn(archive, entry, entry.headerOffset, headerBytes)
  if uint32(header, 0) != headerSignature { throw refusedArchive("\(entry.path) is not where it should be") }
  let (nameLength, extraLength) = (uint16(header, 26), uint16(header, 28))
  let rest = try readOwn(archive, entry, entry.headerOffset + headerBytes, nameLength + extraLength)
  if !rest.prefix(nameLength).elementsEqual(entry.nameBytes) { throw describedTwice(entry) }
  try checkExtraFields(entry.path, entry.nameBytes, rest[nameLength...])
  try checkHeader(header, entry)
  let start = entry.headerOffset + headerBytes + nameLength + extraLength
  try checkWhatFollows(archive, entry, start + entry.packedBytes)
  return start
}

private func checkHeader(_ header: [UInt8], _ entry: ArchiveEntry) throws {
  let isOtherKind = (uint16(header, 6) ^ entry.flags) & ~ArchiveFlags.compressionLevel != 0
  if isOtherKind || uint16(header, 8) != entry.method { throw describedTwice(entry) }
  for (index, expected) in [Int(entry.crc), entry.packedBytes, entry.sizeBytes].enumerated() {
    let said = uint32(header, 14 + 4 * index)
    if said != expected, !(entry.hasDescriptor && said == 0) { throw describedTwice(entry) }
  }
}

private func checkWhatFollows(_ archive: ArchiveFile, _ entry: ArchiveEntry, _ from: Int) throws {
  let length = entry.end - from
  if length < 0 { throw refusedArchive("\(entry.path) overlaps what follows it") }
  if length > (entry.hasDescriptor ? descriptorBytes : 0) {
    throw refusedArchive("\(length) bytes after \(entry.path) are nobody's")
  }
  if !entry.hasDescriptor { return }
  let found = try archive.readExactly(from, length)
  let values = [descriptorSignature, entry.crc, UInt32(entry.packedBytes), UInt32(entry.sizeBytes)]
  let descriptor = values.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
  // The signature is optional.
  if found != descriptor, !descriptor.dropFirst(4).elementsEqual(found) { throw describedTwice(entry) }
}

private func readOwn(_ archive: ArchiveFile, _ entry: ArchiveEntry, _ offset: Int, _ length: Int) throws -> [UInt8] {
  if offset + length > entry.end { throw refusedArchive("\(entry.path) overlaps what follows it") }
  return try archive.readExactly(offset, length)
}

private func describedTwice(_ entry: ArchiveEntry) -> UpdateError {
  refusedArchive("\(entry.path) is described in two different ways")
}
