/// Static edge §8: the newest word of one channel that was believed.
struct EdgeMark {
  let platform: String
  let channel: String
  /// Of the key document: another one begins anew.
  let keysVersion: Int
  let generation: Int
  /// In milliseconds since 1970.
  let issuedAt: Int

  func isOf(_ platform: String, _ channel: String) -> Bool {
    isSameText(self.platform, platform) && isSameText(self.channel, channel)
  }
}

/// ota/edge.json.
struct EdgeMemory {
  /// As a publisher has signed it; nil: none was taken.
  var keys: EdgeEnvelope?
  /// Never falls, whatever becomes of the document.
  var keysVersion = 0
  private(set) var marks: [EdgeMark] = []

  func markOf(_ platform: String, _ channel: String) -> EdgeMark? {
    marks.first { $0.isOf(platform, channel) }
  }

  /// In the place of what was known of its channel.
  mutating func note(_ mark: EdgeMark) {
    marks.removeAll { $0.isOf(mark.platform, mark.channel) }
    marks.append(mark)
  }
}

/// A device that changes its channel now and then keeps the newest.
private let maxMarks = 20
private let maxSignatures = 10

func readEdgeMemory(_ files: FilesPort) throws -> EdgeMemory {
  try readJsonFile(files, StorageLayout.edge, EdgeMemory.init) ?? EdgeMemory()
}

func writeEdgeMemory(_ files: FilesPort, _ memory: EdgeMemory) throws {
  try files.makeDirectory(StorageLayout.root)
  // A device that has stored nothing else yet: the power must not take the folder with all that is in it.
  try files.syncDirectory("")
  try writeJsonFile(files, StorageLayout.edge, memory.json)
}

extension EdgeMemory {
  fileprivate init(_ value: JsonValue?) throws {
    let json = try readObject(value, "")
    keys = try readNullable(json["keys"], readKeys)
    keysVersion = try readInteger(json["keysVersion"], "/keysVersion", minimum: 0)
    marks = try readArray(json["marks"], "/marks", maxLength: maxMarks).map(readMark)
  }

  fileprivate var json: JsonValue {
    let envelope = keys.map {
      jsonObject([("payload", .string($0.payload)), ("signatures", jsonTexts($0.signatures))])
    }
    return jsonObject([
      ("keys", envelope ?? .null),
      ("keysVersion", jsonNumber(keysVersion)),
      ("marks", .array(marks.suffix(maxMarks).map(writeMark))),
    ])
  }
}

private func readKeys(_ value: JsonValue?) throws -> EdgeEnvelope {
  let json = try readObject(value, "/keys")
  let signatures = try readArray(json["signatures"], "/keys/signatures", maxLength: maxSignatures)
  return EdgeEnvelope(
    payload: try readString(json["payload"], "/keys/payload"),
    signatures: try signatures.map { try readString($0, "/keys/signatures") })
}

private func readMark(_ value: JsonValue) throws -> EdgeMark {
  let json = try readObject(value, "/mark")
  return EdgeMark(
    platform: try readString(json["platform"], "/mark/platform"),
    channel: try readString(json["channel"], "/mark/channel"),
    keysVersion: try readInteger(json["keysVersion"], "/mark/keysVersion", minimum: 1),
    generation: try readInteger(json["generation"], "/mark/generation", minimum: 1),
    issuedAt: try readInteger(json["issuedAt"], "/mark/issuedAt", minimum: 0))
}

private func writeMark(_ mark: EdgeMark) -> JsonValue {
  jsonObject([
    ("platform", .string(mark.platform)), ("channel", .string(mark.channel)),
    ("keysVersion", jsonNumber(mark.keysVersion)), ("generation", jsonNumber(mark.generation)),
    ("issuedAt", jsonNumber(mark.issuedAt)),
  ])
}
