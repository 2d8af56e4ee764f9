/// Static edge §3: the first field of each signed text, so that a signature over one can never pass for one over another.
private let edgeKeysType = "hotpatch.edge-keys.v1"
private let edgePointerType = "hotpatch.edge-pointer.v1"

/// Static edge §2: longer ones are refused unread.
let maxEdgeDocumentBytes = 16 * 1024

/// Of an envelope: the text in base64, and signatures.
let maxEdgeEnvelopeBytes = 32 * 1024
let maxEdgeSignatures = 4
let maxEdgeKeys = 4

private let dayMs = 86_400_000

/// A pointer that would be good for longer freezes whoever holds it; a key that would, outlives those who know of it.
private let maxPointerLifetimeMs = 7 * dayMs
private let maxEdgeKeyLifetimeMs = 400 * dayMs

/// Static edge §2: exact bytes, and who signed them.
struct EdgeEnvelope: Equatable {
  /// Base64 of the UTF-8 bytes of the text.
  let payload: String
  /// Base64, each over these bytes.
  let signatures: [String]
}

/// Static edge §4: what a publisher signs of the keys by which the server speaks for an app.
struct EdgeKeyDocument {
  let appId: String
  /// Rises with every document; a device takes none below the highest that it has taken.
  let version: Int
  /// None: the app has no edge any more.
  let keys: [EdgeKey]
  /// In milliseconds since 1970.
  let createdAt: Int
}

struct EdgeKey {
  /// Base64 of 32 raw bytes.
  let publicKey: String
  /// In milliseconds since 1970: nothing that it signs is believed from then on.
  let notAfter: Int
}

/// Static edge §5: which catalog is the newest. The server signs it, again and again.
struct EdgePointer {
  let appId: String
  let platform: Platform
  let channel: String
  /// Of the key document that names the key which signs this.
  let keysVersion: Int
  /// Rises with every pointer of (app, platform, channel).
  let generation: Int
  /// Both in milliseconds since 1970.
  let issuedAt: Int
  let expiresAt: Int
  /// Of the catalog.
  let sha256: String
  let sizeBytes: Int
}

/// @throws UnexpectedJsonError
func readEdgeEnvelope(_ text: String) throws -> EdgeEnvelope {
  let json = try readObject(try readJson(text), "")
  let signatures = try readArray(json["signatures"], "/signatures", maxLength: maxEdgeSignatures)
  if signatures.isEmpty {
    throw UnexpectedJsonError("/signatures", expected: "at least one signature", found: json["signatures"])
  }
  return EdgeEnvelope(
    payload: try readString(json["payload"], "/payload"),
    signatures: try signatures.enumerated().map { try readString($1, "/signatures/\($0)") })
}

/// After a publisher's signature was verified over the bytes that `text` came from.
/// @throws UnexpectedJsonError
func readEdgeKeyDocument(_ text: String) throws -> EdgeKeyDocument {
  let json = try readTyped(text, edgeKeysType)
  let createdAt = try readTime(json["createdAt"], "/createdAt")
  let items = try readArray(json["keys"], "/keys", maxLength: maxEdgeKeys)
  let keys = try items.enumerated().map { try readKey($1, "/keys/\($0)", createdAt: createdAt) }
  return EdgeKeyDocument(
    appId: try readShort(json["appId"], "/appId"),
    version: try readInteger(json["version"], "/version", minimum: 1),
    keys: keys,
    createdAt: createdAt)
}

private func readKey(_ value: JsonValue, _ pointer: String, createdAt: Int) throws -> EdgeKey {
  let json = try readObject(value, pointer)
  let key = EdgeKey(
    publicKey: try readString(
      json["publicKey"], "\(pointer)/publicKey", expected: "the base64 of 32 bytes", where: isKeyText),
    notAfter: try readTime(json["notAfter"], "\(pointer)/notAfter"))
  if key.notAfter - createdAt <= maxEdgeKeyLifetimeMs { return key }
  let expected = "at most 400 days after createdAt"
  throw UnexpectedJsonError("\(pointer)/notAfter", expected: expected, found: json["notAfter"])
}

/// After the server's signature was verified over the bytes that `text` came from.
/// @throws UnexpectedJsonError
func readEdgePointer(_ text: String) throws -> EdgePointer {
  let json = try readTyped(text, edgePointerType)
  let issuedAt = try readTime(json["issuedAt"], "/issuedAt")
  let expiresAt = try readTime(json["expiresAt"], "/expiresAt")
  if expiresAt <= issuedAt || expiresAt - issuedAt > maxPointerLifetimeMs {
    let expected = "a time after issuedAt, by at most 7 days"
    throw UnexpectedJsonError("/expiresAt", expected: expected, found: json["expiresAt"])
  }
  let catalog = try readObject(json["catalog"], "/catalog")
  return EdgePointer(
    appId: try readShort(json["appId"], "/appId"),
    platform: try readPlatform(json["platform"], "/platform"),
    channel: try readShort(json["channel"], "/channel"),
    keysVersion: try readInteger(json["keysVersion"], "/keysVersion", minimum: 1),
    generation: try readInteger(json["generation"], "/generation", minimum: 1),
    issuedAt: issuedAt, expiresAt: expiresAt,
    sha256: try readSha256(catalog["sha256"], "/catalog/sha256"),
    sizeBytes: try readInteger(catalog["sizeBytes"], "/catalog/sizeBytes", minimum: 1))
}

func readTyped(_ text: String, _ type: String) throws -> JsonObject {
  let json = try readObject(try readJson(text), "")
  _ = try readString(json["type"], "/type", expected: "\"\(type)\"") { isSameText($0, type) }
  return json
}

/// What decodes to 32 bytes; whether it is written in the one right way is seen when it is used.
private func isKeyText(_ text: String) -> Bool {
  let digits = text.utf8.dropLast()
  return digits.count == 43 && text.utf8.last == UInt8(ascii: "=")
    && digits.allSatisfy { isAnyWord($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }
}

private func readTime(_ value: JsonValue?, _ pointer: String) throws -> Int {
  if let time = timeOf(try readString(value, pointer)) { return Int(time) }
  throw UnexpectedJsonError(pointer, expected: "a time such as 2027-01-31T12:00:00.000Z", found: value)
}
