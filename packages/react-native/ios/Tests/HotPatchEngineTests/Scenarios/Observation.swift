import HotPatchPorts

@testable import HotPatchEngine

/// What can be seen of an engine, in the words of vectors/README.md.

func jsonOf(_ launch: Launch) -> JsonValue {
  guard case .release(let release) = launch else { return jsonObject([("kind", .string("embedded"))]) }
  return jsonObject([
    ("kind", .string("release")), ("slot", .string(String(release.directory.dropFirst("/memory/ota/".count)))),
    ("releaseId", .string(release.releaseId)), ("version", .string(release.version)),
  ])
}

func jsonOf(_ outcome: UpdateOutcome) -> JsonValue {
  switch outcome {
  case .upToDate(let reason, let nativeUpdate):
    let native = nativeUpdate.map {
      jsonObject([("minNativeVersion", .string($0.minNativeVersion)), ("releaseId", .string($0.releaseId))])
    }
    return jsonObject([
      ("kind", .string("up-to-date")), ("reason", .string(reason)), ("nativeUpdate", native ?? .null),
    ])
  case .available(let update):
    return jsonObject([
      ("kind", .string("available")), ("releaseId", .string(update.releaseId)), ("version", .string(update.version)),
      ("mandatory", .boolean(update.mandatory)), ("sizeBytes", jsonNumber(update.sizeBytes)),
      ("expectedBytes", jsonNumber(update.expectedBytes) ?? .null), ("notes", jsonOrNull(update.notes)),
    ])
  case .availableEmbedded(let mandatory, let reason):
    return jsonObject([
      ("kind", .string("available-embedded")), ("mandatory", .boolean(mandatory)), ("reason", .string(reason)),
    ])
  case .staged(let releaseId, let version, let mandatory):
    return jsonObject([
      ("kind", .string("staged")), ("releaseId", jsonOrNull(releaseId)), ("version", .string(version)),
      ("mandatory", .boolean(mandatory)),
    ])
  case .failed(let error, let releaseId):
    return jsonObject([
      ("kind", .string("failed")), ("code", .string(error.code.rawValue)), ("releaseId", jsonOrNull(releaseId)),
    ])
  }
}

func jsonOf(_ status: EngineStatus) -> JsonValue {
  jsonObject([
    ("running", jsonOf(status.running)), ("standing", jsonOrNull(status.standing?.rawValue)),
    ("staged", named(status.staged)), ("previous", named(status.previous)),
    ("highWater", jsonNumber(status.highWater)), ("floor", jsonNumber(status.floor)),
    ("failedReleaseIds", jsonTexts(status.failedReleaseIds)),
  ])
}

private func named(_ release: NamedRelease?) -> JsonValue {
  release.map { jsonObject([("releaseId", jsonOrNull($0.releaseId)), ("version", .string($0.version))]) } ?? .null
}

private let ownFiles = [
  StorageLayout.metadata, StorageLayout.crashCount, StorageLayout.outbox, StorageLayout.embedded,
  StorageLayout.credential, StorageLayout.edge, StorageLayout.pendingDownload, StorageLayout.pendingPatchDownload,
]

/// Everything below ota/: the engine's own files as JSON, if they are that, all others by their digest.
func jsonOf(_ disk: MemoryFiles) -> JsonObject {
  var found = JsonObject()
  for (path, bytes) in disk.tree(StorageLayout.root) ?? [:] {
    let path = "ota/\(path.text)"
    let isOwn = ownFiles.contains(path) || path.hasSuffix("/\(StorageLayout.marker)")
    if isOwn, let json = jsonFromUtf8(bytes) {
      found[path] = jsonObject([("json", json)])
    } else {
      let hasher = SystemCrypto().sha256()
      hasher.update(bytes)
      found[path] = .string(hexFromBytes(hasher.digest()))
    }
  }
  return found
}
