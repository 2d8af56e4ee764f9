/// A file of a tree: where it is, and what.
public struct TreeFile: Equatable {
  public var path: String
  public var sha256: String
  public var sizeBytes: Int

  public init(path: String, sha256: String, sizeBytes: Int) {
    self.path = path
    self.sha256 = sha256
    self.sizeBytes = sizeBytes
  }
}

/// The digest of no files: the base of a patch that needs none.
public let emptyTree = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/// Patches §4: the text whose SHA-256 stands for files by path, whichever way somebody comes by them, line by line: it may
/// be long. Equal exactly when paths and bytes are.
/// @param files each once, at a path that `filePathFault` allows
public func treeLines(_ files: [TreeFile]) -> [String] {
  inTreeOrder(files).map { "\($0.sha256) \($0.sizeBytes) \($0.path)\n" }
}

/// In the order of Patches §4.
public func inTreeOrder(_ files: [TreeFile]) -> [TreeFile] {
  files.sorted { isBefore($0.path, $1.path) }
}

/// Patches §4: by the bytes of the paths' UTF-8.
func isBefore(_ a: String, _ b: String) -> Bool {
  a.utf8.lexicographicallyPrecedes(b.utf8)
}
