/// ota/crash_count.json. On probation: all starts since the release was moved into place. Of a confirmed release: the
/// starts in a row that did not end well, and the last one, as only the next start knows how it ended.
struct StartCount {
  var releaseId: String
  var standing: Standing
  var starts: Int
  /// The app itself said, since the last start, that the release does not work.
  var hasCrashed: Bool
  /// The app said, since the last start, that it is ready.
  var isReady: Bool
}

func readStartCount(_ files: FilesPort) throws -> StartCount? {
  try readJsonFile(files, StorageLayout.crashCount) { value in
    let json = try readObject(value, "")
    return StartCount(
      releaseId: try readString(json["releaseId"], "/releaseId"),
      standing: try readOneOf(json["standing"], "/standing"),
      starts: try readInteger(json["starts"], "/starts", minimum: 0),
      hasCrashed: isTrue(json["hasCrashed"]),
      isReady: isTrue(json["isReady"]))
  }
}

/// Durable when it returns: a release on probation is never started before.
func writeStartCount(_ files: FilesPort, _ count: StartCount) throws {
  try writeJsonFile(files, StorageLayout.crashCount, jsonOf(count))
}

/// Survives the end of the process, and not always a power cut, which is no crash of the app. So the usual start of a
/// confirmed release waits for no disk. A torn file counts nothing.
func noteStartCount(_ files: FilesPort, _ count: StartCount) throws {
  try files.append(StorageLayout.crashCount, offset: 0, Array(writeJson(jsonOf(count)).utf8))
}

func clearStartCount(_ files: FilesPort) throws {
  try files.remove(StorageLayout.crashCount)
}

/// Engine §3: that it is not ready says something only of apps that are known to say when they are.
func endedBadly(_ count: StartCount, tellsReady: Bool) -> Bool {
  count.hasCrashed || (tellsReady && !count.isReady)
}

private func jsonOf(_ count: StartCount) -> JsonValue {
  jsonObject([
    ("releaseId", .string(count.releaseId)),
    ("standing", .string(count.standing.rawValue)),
    ("starts", jsonNumber(count.starts)),
    ("hasCrashed", .boolean(count.hasCrashed)),
    ("isReady", .boolean(count.isReady)),
  ])
}
