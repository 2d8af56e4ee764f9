private let fileType = 0o170000
private let regular = 0o100000
private let folder = 0o040000
private let dosFolder = 0x10
private let windowsReparsePoint = 0x400

private let zip64 = 0x0001
private let unicodePath = 0x7075
/// PKWARE's and ASi's Unix fields can carry the target of a link.
private let links = [0x000d, 0x756e]
/// In front of the name in a Unicode path field.
private let unicodePathHead = 5

func judgeEntry(_ entry: ArchiveEntry, attributes: Int, _ limits: Limits) throws {
  let path = entry.path
  if let fault = filePathFault(path, maxBytes: limits.pathBytes) {
    throw refusedArchive("a path has \(fault.found): \(writeJson(.string(String(path.prefix(200)))))")
  }
  // Without the flag it is anyone's guess in which encoding a name is.
  if entry.nameBytes.contains(where: { $0 >= 0x80 }), entry.flags & ArchiveFlags.isUtf8 == 0 {
    throw refusedArchive("it has a name that is not UTF-8 as it says")
  }
  if entry.flags & ArchiveFlags.encryption != 0 { throw refusedArchive("\(path) is encrypted") }
  let known = ArchiveFlags.hasDescriptor | ArchiveFlags.isUtf8 | ArchiveFlags.compressionLevel
  if entry.flags & ~known != 0 { throw refusedArchive("\(path) needs special features") }
  if entry.method != ArchiveMethod.stored, entry.method != ArchiveMethod.deflated {
    throw refusedArchive("\(path) is packed with method \(entry.method)")
  }
  // A reader that unpacks while it downloads cannot find the end of such an entry.
  if entry.method == ArchiveMethod.stored, entry.hasDescriptor {
    throw refusedArchive("\(path) is stored without saying its size first")
  }
  let type = attributes >> 16 & fileType
  let isOther = attributes & (entry.isFolder ? windowsReparsePoint : windowsReparsePoint | dosFolder) != 0
  if isOther || (type != 0 && type != (entry.isFolder ? folder : regular)) {
    throw refusedArchive("\(path) is a link or a device, or not of the kind that its name says")
  }
  if entry.isFolder, entry.sizeBytes > 0 { throw refusedArchive("\(path) is a directory with content") }
}

/// Engine §4: extra fields must not tell some readers another name, size or kind than the entry tells the others.
func checkExtraFields(_ path: String, _ name: [UInt8], _ extra: ArraySlice<UInt8>) throws {
  let bytes = Array(extra)
  var at = 0
  while at + 4 <= bytes.count {
    let (id, length) = (uint16(bytes, at), uint16(bytes, at + 2))
    let data = bytes.dropFirst(at + 4).prefix(length)
    if data.count < length { throw refusedArchive("\(path) has an extra field that is cut") }
    if id == zip64 { throw refusedArchive("ZIP64 is not supported") }
    if links.contains(id) { throw refusedArchive("\(path) has a field that can make it a link") }
    if id == unicodePath, !data.dropFirst(unicodePathHead).elementsEqual(name) {
      throw refusedArchive("\(path) has another name in an extra field")
    }
    at += 4 + length
  }
}
