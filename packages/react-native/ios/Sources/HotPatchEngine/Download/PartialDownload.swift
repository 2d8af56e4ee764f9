/// Such as ota/pending/download.json: what ota/pending/bundle.zip is a part of.
private struct Note {
  var sha256: String
  var sizeBytes: Int
  var etag: String
}

/// What is there of a download.
struct PartialDownload {
  var offset = 0
  var etag = ""
}

/// Only bytes that were announced with the same hash, under a strong ETag, are worth resuming.
func readPartial(_ wanted: Wanted, _ place: Place, _ files: FilesPort) throws -> PartialDownload {
  let found = try readJsonFile(files, place.note, readNote)
  let stat = try files.stat(place.bytes)
  guard let found, isSameText(found.sha256, wanted.sha256), found.sizeBytes == wanted.sizeBytes else {
    return PartialDownload()
  }
  guard let stat, stat.kind == .file, stat.sizeBytes <= wanted.sizeBytes else { return PartialDownload() }
  let isWhole = stat.sizeBytes == wanted.sizeBytes
  if found.etag.isEmpty && !isWhole { return PartialDownload() }
  return PartialDownload(offset: stat.sizeBytes, etag: found.etag)
}

func beginPartial(_ wanted: Wanted, _ place: Place, etag: String?, _ files: FilesPort) throws {
  // The old bytes go before the note says what the new ones are.
  try files.remove(place.bytes)
  let isStrong = etag?.utf8.first == UInt8(ascii: "\"")
  let note = jsonObject([
    ("sha256", .string(wanted.sha256)), ("sizeBytes", jsonNumber(wanted.sizeBytes)),
    ("etag", .string(isStrong ? etag ?? "" : "")),
  ])
  try writeJsonFile(files, place.note, note)
}

private func readNote(_ value: JsonValue?) throws -> Note {
  let json = try readObject(value, "")
  return Note(
    sha256: try readString(json["sha256"], "/sha256"),
    sizeBytes: try readInteger(json["sizeBytes"], "/sizeBytes", minimum: 0),
    etag: try readString(json["etag"], "/etag"))
}
