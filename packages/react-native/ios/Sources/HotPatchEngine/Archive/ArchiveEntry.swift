/// What the table of contents says of one file or folder.
struct ArchiveEntry {
  /// A folder's ends in a slash.
  let path: String
  let nameBytes: [UInt8]
  let flags: Int
  let method: Int
  let crc: UInt32
  let packedBytes: Int
  let sizeBytes: Int
  /// Of the header in front of its content.
  let headerOffset: Int
  /// Where the next part of the archive begins: everything up to there is this entry's own.
  var end = 0

  var isFolder: Bool { isFolderPath(path) }
  var hasDescriptor: Bool { flags & ArchiveFlags.hasDescriptor != 0 }
}

enum ArchiveMethod {
  static let stored = 0
  static let deflated = 8
}

enum ArchiveFlags {
  /// The sizes follow the content, because the writer did not know them before.
  static let hasDescriptor = 0x8
  static let isUtf8 = 0x800
  /// How hard the writer tried; means nothing to a reader.
  static let compressionLevel = 0x6
  static let encryption = 0x2041
}

func refusedArchive(_ message: String) -> UpdateError {
  UpdateError(.archiveInvalid, "the archive is refused: \(message)")
}

func uint16(_ bytes: [UInt8], _ at: Int) -> Int {
  Int(bytes[at]) | Int(bytes[at + 1]) << 8
}

func uint32(_ bytes: [UInt8], _ at: Int) -> Int {
  uint16(bytes, at) | uint16(bytes, at + 2) << 16
}
