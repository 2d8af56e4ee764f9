/// Encryption §2: what it is called where algorithms are named.
public let encryptionAlgorithm = "hotpatch-v1"
/// More keys than an app has at once: those of its binaries in the field, and the next.
let maxRecipients = 16

private let type = "hotpatch.encrypted.v1"
private let magic = Array("HPCRYPT1".utf8)
/// The magic, and how long the header is.
let encryptedPrefixBytes = 12
/// As much as 16 recipients take, and twice that.
private let maxHeaderBytes = 8 * 1024
private let encapsulatedBytes = 32
private let wrappedKeyBytes = 48

/// What is inside: what is made for one is not opened as the other.
public enum EncryptedPurpose: String, Sendable {
  case archive, patch
}

public struct Recipient: Equatable {
  /// Of the public key (Signing §9).
  public var keyId: String
  public var encapsulated: [UInt8]
  public var wrappedKey: [UInt8]
}

/// Encryption §2.2: in the clear, and nothing that a release's statement does not say, too.
public struct EncryptedHeader: Equatable {
  /// Of a patch: how it is packed (Patches §5), and the tree of what it is made of.
  public struct Patch: Equatable {
    public var format: String
    public var baseTree: String
  }

  public var purpose: EncryptedPurpose
  /// Of what is inside.
  public var sha256: String
  public var sizeBytes: Int
  /// Content §3.1: of the files that it stands for.
  public var tree: String
  public var patch: Patch?
  public var recipients: [Recipient]
}

/// With its exact bytes: they are a part of the key.
public struct EncryptedHead {
  public let header: EncryptedHeader
  /// Everything before the first chunk.
  public let bytes: [UInt8]
}

public struct EncryptionError: Error, CustomStringConvertible {
  public enum Fault: String, Sendable {
    /// Another version, or nothing that is encrypted like this.
    case unknown
    /// It is for other keys.
    case keyMissing = "key-missing"
    /// It was changed, or the key is not the one that it says.
    case damaged
  }

  public let code: Fault
  public let description: String

  init(_ code: Fault, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// How many bytes the head has.
/// @param prefix the first bytes of the file
/// @throws EncryptionError
public func readHeadLength(_ prefix: [UInt8]) throws -> Int {
  guard prefix.count >= encryptedPrefixBytes, prefix.starts(with: magic) else {
    throw EncryptionError(.unknown, "Expected an encrypted file that begins with HPCRYPT1, found another one.")
  }
  let headerBytes = prefix[magic.count..<encryptedPrefixBytes].reversed().reduce(0) { $0 << 8 | Int($1) }
  if headerBytes > maxHeaderBytes {
    throw EncryptionError(.damaged, "Expected a header of at most \(maxHeaderBytes) bytes, found \(headerBytes).")
  }
  return encryptedPrefixBytes + headerBytes
}

/// @param bytes as many as `readHeadLength` says
/// @throws EncryptionError
public func readEncryptedHead(_ bytes: [UInt8]) throws -> EncryptedHead {
  if try readHeadLength(bytes) != bytes.count {
    throw EncryptionError(.damaged, "Expected the whole header, found its beginning.")
  }
  guard let text = textFromUtf8(bytes[encryptedPrefixBytes...]) else {
    throw EncryptionError(.damaged, "Expected a header in UTF-8, found none.")
  }
  do {
    return EncryptedHead(header: try readHeader(try readJson(text)), bytes: bytes)
  } catch let error as UnexpectedJsonError {
    throw EncryptionError(.damaged, "The header: \(error).")
  }
}

private func readHeader(_ value: JsonValue) throws -> EncryptedHeader {
  let json = try readObject(value, "")
  _ = try readString(json["type"], "/type", expected: "\"\(type)\"") { isSameText($0, type) }
  let purpose = try readPurpose(json["purpose"])
  let recipients = try readArray(json["recipients"], "/recipients", maxLength: maxRecipients).enumerated().map {
    try readRecipient($1, "/recipients/\($0)")
  }
  if recipients.isEmpty || Set(recipients.map(\.keyId)).count != recipients.count {
    let expected = "at least one, each for a key of its own"
    throw UnexpectedJsonError("/recipients", expected: expected, found: json["recipients"])
  }
  return EncryptedHeader(
    purpose: purpose,
    sha256: try readSha256(json["sha256"], "/sha256"),
    sizeBytes: try readInteger(json["sizeBytes"], "/sizeBytes", minimum: 1),
    tree: try readSha256(json["tree"], "/tree"),
    patch: purpose == .patch ? try readPatch(json) : nil,
    recipients: recipients)
}

private func readPurpose(_ value: JsonValue?) throws -> EncryptedPurpose {
  if case .string(let text) = value, let purpose = EncryptedPurpose(rawValue: text) { return purpose }
  throw UnexpectedJsonError("/purpose", expected: "\"archive\" or \"patch\"", found: value)
}

private func readPatch(_ json: JsonObject) throws -> EncryptedHeader.Patch {
  let format = try readString(json["format"], "/format", expected: "a format of patches") { text in
    (1...32).contains(text.utf8.count) && text.utf8.allSatisfy { isLowerCaseWord($0) || $0 == UInt8(ascii: "-") }
  }
  return EncryptedHeader.Patch(format: format, baseTree: try readSha256(json["baseTree"], "/baseTree"))
}

private func readRecipient(_ value: JsonValue, _ pointer: String) throws -> Recipient {
  let json = try readObject(value, pointer)
  return Recipient(
    keyId: try readString(json["keyId"], "\(pointer)/keyId", expected: "16 lower-case hex digits", where: isKeyId),
    encapsulated: try readHex(json["encapsulated"], "\(pointer)/encapsulated", length: encapsulatedBytes),
    wrappedKey: try readHex(json["wrappedKey"], "\(pointer)/wrappedKey", length: wrappedKeyBytes))
}

private func readHex(_ value: JsonValue?, _ pointer: String, length: Int) throws -> [UInt8] {
  if case .string(let text) = value, let bytes = bytesFromHex(text), bytes.count == length { return bytes }
  throw UnexpectedJsonError(pointer, expected: "\(length) bytes in lower-case hex", found: value)
}
