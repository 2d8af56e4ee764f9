/// Nil when the file is absent, or damaged: writes are atomic, so only a failing disk can tear one.
func readJsonFile<T>(_ files: FilesPort, _ path: String, _ read: (JsonValue?) throws -> T) throws -> T? {
  guard let bytes = try files.read(path) else { return nil }
  do {
    return try read(jsonFromUtf8(bytes))
  } catch is UnexpectedJsonError {
    return nil
  }
}

/// Engine §6: after a crash at any moment the file is the old one or the new one. One writer per path at a time.
func writeJsonFile(_ files: FilesPort, _ path: String, _ value: JsonValue) throws {
  let temporary = "\(path).tmp"
  try files.write(temporary, Array(writeJson(value).utf8))
  try files.rename(temporary, to: path)
  try files.syncDirectory(parentOf(path))
}

/// "" when it has none.
func parentOf(_ path: String) -> String {
  guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
  return String(path[..<slash])
}
