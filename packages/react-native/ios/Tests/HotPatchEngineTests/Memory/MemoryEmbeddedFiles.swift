import HotPatchEngine

/// What a binary shipped with.
final class MemoryEmbeddedFiles: EmbeddedFilesPort {
  private let files: [(path: String, bytes: [UInt8])]

  init(_ files: [(path: String, bytes: [UInt8])]) {
    self.files = files
  }

  func list() throws -> [EmbeddedFile] {
    files.map { EmbeddedFile(path: $0.path, sizeBytes: $0.bytes.count) }
  }

  func readRange(_ path: String, offset: Int, length: Int) throws -> [UInt8] {
    guard let file = files.first(where: { isSameText($0.path, path) }) else {
      throw FilesError("there is no \(path) in the binary")
    }
    return Array(file.bytes.dropFirst(offset).prefix(length))
  }
}
