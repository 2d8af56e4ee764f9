/// How ota/metadata.json is read and written.

private let many = 10_000

/// Throws UnexpectedJsonError.
func readStoredState(_ value: JsonValue?) throws -> StoredState {
  let json = try readObject(value, "")
  var state = StoredState(binary: try readBinary(json["binary"], "/binary"))
  state.tellsReady = isTrue(json["tellsReady"])
  state.active = try readNullable(json["active"], readActive)
  state.previous = try readNullable(json["previous"], readInstalledRelease)
  state.staged = try readNullable(json["staged"], readSource)
  state.move = try readNullable(json["move"], readMove)
  state.fetching = try readNullable(json["fetching"], readIdentity)
  state.highWater = try readInteger(json["highWater"], "/highWater", minimum: 0)
  state.floor = try readInteger(json["floor"], "/floor", minimum: 0)
  state.failed = try readArray(json["failed"], "/failed", maxLength: many).map(readRemembered)
  state.refused = try readArray(json["refused"], "/refused", maxLength: many).map(readRemembered)
  state.failedPatches = try readArray(json["failedPatches"], "/failedPatches", maxLength: many).map(readPatchIdentity)
  state.unreported = try readReports(json["unreported"], "/unreported")
  return state
}

func readInstalledRelease(_ value: JsonValue?) throws -> InstalledRelease {
  let json = try readObject(value, "/release")
  return InstalledRelease(
    releaseId: try readString(json["releaseId"], "/releaseId"),
    version: try readString(json["version"], "/version"),
    sequence: try readInteger(json["sequence"], "/sequence", minimum: 0),
    sha256: try readString(json["sha256"], "/sha256"),
    launch: try json["launch"].map { try readString($0, "/launch") })
}

private func readIdentity(_ value: JsonValue?) throws -> Identity {
  let json = try readObject(value, "/fetching")
  return Identity(
    releaseId: try readString(json["releaseId"], "/releaseId"), sha256: try readString(json["sha256"], "/sha256"))
}

private func readPatchIdentity(_ value: JsonValue) throws -> PatchIdentity {
  let json = try readObject(value, "/patch")
  return PatchIdentity(
    baseTree: try readString(json["baseTree"], "/baseTree"), tree: try readString(json["tree"], "/tree"))
}

private func readActive(_ value: JsonValue?) throws -> ActiveRelease {
  let standing: Standing = try readOneOf(readObject(value, "/active")["standing"], "/active/standing")
  return ActiveRelease(release: try readInstalledRelease(value), standing: standing)
}

private enum From: String, CaseIterable { case pending, previous, embedded }

func readSource(_ value: JsonValue?) throws -> Source {
  let json = try readObject(value, "/staged")
  let from: From = try readOneOf(json["from"], "/from")
  switch from {
  case .pending: return .pending(try readInstalledRelease(json["release"]))
  case .previous: return .previous(try readInstalledRelease(json["release"]))
  case .embedded: return .embedded
  }
}

func readMove(_ value: JsonValue?) throws -> Move {
  let json = try readObject(value, "/move")
  let why: Move.Why = try readOneOf(json["why"], "/move/why")
  return Move(try readSource(value), why: why, keepsCurrent: isTrue(json["keepsCurrent"]))
}

private func readRemembered(_ value: JsonValue) throws -> RememberedRelease {
  let json = try readObject(value, "/remembered")
  return RememberedRelease(
    releaseId: try readString(json["releaseId"], "/releaseId"),
    sequence: try readInteger(json["sequence"], "/sequence", minimum: 0),
    sha256: try readString(json["sha256"], "/sha256"),
    code: try readOneOf(json["code"], "/code"))
}

func writeStoredState(_ state: StoredState) -> JsonValue {
  jsonObject([
    ("binary", writeBinary(state.binary)),
    ("tellsReady", .boolean(state.tellsReady)),
    ("active", state.active.map(writeActive) ?? .null),
    ("previous", state.previous.map(writeInstalledRelease) ?? .null),
    ("staged", state.staged.map { jsonObject(membersOf($0)) } ?? .null),
    ("move", state.move.map(writeMove) ?? .null),
    ("fetching", state.fetching.map(writeIdentity) ?? .null),
    ("highWater", jsonNumber(state.highWater)),
    ("floor", jsonNumber(state.floor)),
    ("failed", .array(state.failed.map(writeRemembered))),
    ("refused", .array(state.refused.map(writeRemembered))),
    ("failedPatches", .array(state.failedPatches.map(writePatchIdentity))),
    ("unreported", writeReports(state.unreported)),
  ])
}

func writeInstalledRelease(_ release: InstalledRelease) -> JsonValue {
  jsonObject(membersOf(release))
}

private func membersOf(_ release: InstalledRelease) -> [(String, JsonValue?)] {
  [
    ("releaseId", .string(release.releaseId)),
    ("version", .string(release.version)),
    ("sequence", jsonNumber(release.sequence)),
    ("sha256", .string(release.sha256)),
    ("launch", jsonText(release.launch)),
  ]
}

private func writeActive(_ active: ActiveRelease) -> JsonValue {
  jsonObject(membersOf(active.release) + [("standing", .string(active.standing.rawValue))])
}

private func membersOf(_ source: Source) -> [(String, JsonValue?)] {
  [("from", .string(source.from)), ("release", source.release.map(writeInstalledRelease) ?? .null)]
}

private func writeMove(_ move: Move) -> JsonValue {
  jsonObject(
    membersOf(move.source) + [
      ("why", .string(move.why.rawValue)), ("keepsCurrent", .boolean(move.keepsCurrent)),
    ])
}

private func writeIdentity(_ identity: Identity) -> JsonValue {
  jsonObject([("releaseId", .string(identity.releaseId)), ("sha256", .string(identity.sha256))])
}

private func writeRemembered(_ entry: RememberedRelease) -> JsonValue {
  jsonObject([
    ("releaseId", .string(entry.releaseId)),
    ("sequence", jsonNumber(entry.sequence)),
    ("sha256", .string(entry.sha256)),
    ("code", .string(entry.code.rawValue)),
  ])
}

private func writePatchIdentity(_ pair: PatchIdentity) -> JsonValue {
  jsonObject([("baseTree", .string(pair.baseTree)), ("tree", .string(pair.tree))])
}
