import Foundation

/// Two paths that fold to the same are the same file somewhere: where case or composition does not count (Windows,
/// macOS, Android's shared storage), or where invisible characters do not (older Apple file systems, and people's eyes).
public func foldFilePath(_ path: String) -> String {
  if path.utf8.allSatisfy({ $0 < 0x80 }) { return path.lowercased() }
  let visible = String(String.UnicodeScalarView(path.unicodeScalars.filter { !isIgnorable($0) }))
  return visible.precomposedStringWithCanonicalMapping.uppercased().lowercased().precomposedStringWithCanonicalMapping
}

/// Unicode's Default_Ignorable_Code_Point, written out: it must not depend on the system's version of Unicode.
private let ignorable: [ClosedRange<UInt32>] = [
  0xad...0xad, 0x34f...0x34f, 0x61c...0x61c, 0x115f...0x1160, 0x17b4...0x17b5, 0x180b...0x180f, 0x200b...0x200f,
  0x202a...0x202e, 0x2060...0x206f, 0x3164...0x3164, 0xfe00...0xfe0f, 0xfeff...0xfeff, 0xffa0...0xffa0,
  0xfff0...0xfff8, 0x1bca0...0x1bca3, 0x1d173...0x1d17a, 0xe0000...0xe0fff,
]

private func isIgnorable(_ scalar: Unicode.Scalar) -> Bool {
  ignorable.contains { $0.contains(scalar.value) }
}

public struct FilePathConflict: Equatable {
  public enum Kind: String, Sendable {
    case samePlace = "same-place"
    case insideAFile = "inside-a-file"
  }

  public let path: String
  public let other: String
  public let kind: Kind
}

/// The first two paths of which only one can be; folders end in a slash.
public func findPathConflict(_ paths: [String]) -> FilePathConflict? {
  let entries = paths.map { path -> (path: String, isFolder: Bool, key: [UInt16]) in
    let isFolder = isFolderPath(path)
    let name = isFolder ? String(decoding: path.utf8.dropLast(), as: UTF8.self) : path
    // With a separator that sorts before everything else, what is inside a file follows directly after it.
    return (path, isFolder, foldFilePath(name).utf16.map { $0 == 0x2f ? 0 : $0 })
  }
  // Of those with the same key the order is the one in which they came.
  let sorted = entries.enumerated().sorted { a, b in
    a.element.key == b.element.key ? a.offset < b.offset : a.element.key.lexicographicallyPrecedes(b.element.key)
  }.map(\.element)
  for (entry, next) in zip(sorted, sorted.dropFirst()) {
    if next.key == entry.key { return FilePathConflict(path: next.path, other: entry.path, kind: .samePlace) }
    if !entry.isFolder, next.key.starts(with: entry.key + [0]) {
      return FilePathConflict(path: next.path, other: entry.path, kind: .insideAFile)
    }
  }
  return nil
}
