struct ArchiveFile {
  let files: FilesPort
  let path: String
  let sizeBytes: Int

  func readExactly(_ offset: Int, _ length: Int) throws -> [UInt8] {
    if offset < 0 || offset + length > sizeBytes { throw refusedArchive("it points outside itself") }
    var bytes: [UInt8] = []
    while bytes.count < length {
      let piece = try files.readRange(path, offset: offset + bytes.count, length: length - bytes.count)
      if piece.isEmpty { throw refusedArchive("it ends too early") }
      bytes = bytes.isEmpty ? piece : bytes + piece
    }
    return bytes
  }
}
