/// Patches §5.
enum TreeFormat {
  static let magic = Array("HPDELTA1".utf8)
  static let digestBytes = 32
  static let headerBytes = 8 + 1 + 2 * 32 + 2 * 4
  /// A longer list of files is no release's.
  static let maxIndexBytes = 16 * 1024 * 1024
  /// Patches §4: a list with as many files as a release may have.
  static let maxFiles = 20_000
}

/// How indexes and frames are packed: RFC 1951 without any header, and RFC 7932.
public enum Packing: UInt8, CaseIterable, Sendable {
  case deflate = 1
  case brotli = 2
}
