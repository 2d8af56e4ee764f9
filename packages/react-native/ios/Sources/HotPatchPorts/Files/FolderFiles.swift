import Foundation

#if SWIFT_PACKAGE
  import HotPatchEngine
#endif

/// What a binary shipped with, where it lies in a folder as a release has it: read, and never written. On iOS that is the
/// app's own bundle, with the file of JavaScript under its name and its assets beside it.
public final class FolderFiles: EmbeddedFilesPort {
  private let files: SystemFiles
  private let roots: [String]

  /// - Parameter roots: files or folders below `folder`, all of which belong to it. What is not there is left out.
  public init(_ folder: String, roots: [String]) {
    files = SystemFiles(folder)
    self.roots = roots
  }

  public func list() throws -> [EmbeddedFile] {
    var found: [EmbeddedFile] = []
    for root in roots { try collect(root, into: &found) }
    return found
  }

  public func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8] {
    try files.readRange(path, offset: offset, length: length)
  }

  private func collect(_ path: String, into found: inout [EmbeddedFile]) throws {
    guard let stat = try files.stat(path) else { return }
    switch stat.kind {
    case .file: found.append(EmbeddedFile(path: path, sizeBytes: stat.sizeBytes))
    case .directory: for name in try files.namesIn(path).sorted() { try collect("\(path)/\(name)", into: &found) }
    // A release has no links.
    case .other: break
    }
  }
}
