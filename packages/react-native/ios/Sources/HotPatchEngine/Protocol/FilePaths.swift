/// On iOS a path has 1,024 bytes at most, and those in front of the bundle's folder count.
public let maxFilePathBytes = 512
/// What file systems take as one name.
private let maxNameBytes = 255

public struct FilePathFault: Equatable {
  public enum Rule: String, Sendable {
    case path
    case pathLength = "path-length"
  }

  public let rule: Rule
  /// What the path has, as "found …" goes on.
  public let found: String
}

/// Engine §4: why a path of a release is never made into a file; nil when it is harmless on every platform.
/// A folder's path ends in a slash. That no half characters are in it is Swift's to see to.
public func filePathFault(_ path: String, maxBytes: Int = maxFilePathBytes) -> FilePathFault? {
  let name = isFolderPath(path) ? String(decoding: path.utf8.dropLast(), as: UTF8.self) : path
  let bytes = path.utf8.count
  if bytes > maxBytes { return tooLong("a path of \(bytes) bytes, more than \(maxBytes)") }
  if hasControlCharacter(path) { return FilePathFault(rule: .path, found: "a control character") }
  if let found = shapeOf(name) { return FilePathFault(rule: .path, found: found) }
  let folded = foldFilePath(name)
  // Where ignorable characters count for nothing, what is left must be as harmless.
  if let found = shapeOf(folded) {
    return FilePathFault(rule: .path, found: "\(found), behind invisible characters")
  }
  let names = folded.utf8.split(separator: slash, omittingEmptySubsequences: false)
  if names.contains(where: { isWindowsDevice(String(decoding: $0, as: UTF8.self)) }) {
    return FilePathFault(rule: .path, found: "the name of a device on Windows")
  }
  if isEngineFile(folded) {
    return FilePathFault(rule: .path, found: "\".hotpatch.json\", which devices keep for themselves")
  }
  let isLong = name.utf8.split(separator: slash).contains { $0.count > maxNameBytes }
  return isLong ? tooLong("a name of more than \(maxNameBytes) bytes") : nil
}

func isFolderPath(_ path: String) -> Bool {
  path.utf8.last == slash
}

private let slash = UInt8(ascii: "/")

private func shapeOf(_ path: String) -> String? {
  let bytes = path.utf8
  if bytes.isEmpty { return "an empty name" }
  if bytes.contains(UInt8(ascii: "\\")) { return "a backslash, which is a folder separator on Windows" }
  if bytes.contains(UInt8(ascii: ":")) { return "a colon, which names drives and alternate streams on Windows" }
  if bytes.contains(where: { "\"*<>?|".utf8.contains($0) }) {
    return "one of \"*<>?|, which no name on Windows may have"
  }
  if bytes.first == slash { return "an absolute path" }
  let names = bytes.split(separator: slash, omittingEmptySubsequences: false)
  if names.contains(where: { $0.elementsEqual("..".utf8) }) { return "\"..\", which climbs out of the folder" }
  if names.contains(where: { $0.elementsEqual(".".utf8) }) { return "\".\" as a folder" }
  if names.contains(where: { $0.isEmpty }) { return "an empty name" }
  // Windows drops them, so that two names become one.
  let isDropped = names.contains { $0.last == UInt8(ascii: ".") || $0.last == UInt8(ascii: " ") }
  return isDropped ? "a name that ends in a dot or a space" : nil
}

private let deviceNames = ["con", "prn", "aux", "nul", "clock$", "conin$", "conout$"]

/// Windows opens a device under these names, whatever the folder, the case and what follows the first dot.
private func isWindowsDevice(_ name: String) -> Bool {
  let beforeDot = name.unicodeScalars.prefix { $0 != "." }
  guard let last = beforeDot.lastIndex(where: { $0 != " " }) else { return false }
  let base = beforeDot[...last]
  if deviceNames.contains(where: { $0.unicodeScalars.elementsEqual(base) }) { return true }
  let port = base.prefix(3)
  guard base.count == 4, let number = base.last?.value else { return false }
  let isNumbered = (0x30...0x39).contains(number) || [0xb9, 0xb2, 0xb3].contains(number)
  return isNumbered && (port.elementsEqual("com".unicodeScalars) || port.elementsEqual("lpt".unicodeScalars))
}

/// Engine §1: what devices keep beside the files of a release, with its temporary form.
private func isEngineFile(_ path: String) -> Bool {
  let own = ".hotpatch.json"
  guard path.utf8.starts(with: own.utf8) else { return false }
  guard let next = path.utf8.dropFirst(own.utf8.count).first else { return true }
  return next == UInt8(ascii: ".") || next == slash
}

private func hasControlCharacter(_ text: String) -> Bool {
  text.unicodeScalars.contains { $0.value < 0x20 || (0x7f..<0xa0).contains($0.value) }
}

private func tooLong(_ found: String) -> FilePathFault {
  FilePathFault(rule: .pathLength, found: found)
}
