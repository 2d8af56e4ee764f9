/// The private half of a key for which files are encrypted.
public struct DecryptionKey {
  public var keyId: String
  public var privateKey: [UInt8]

  public init(keyId: String, privateKey: [UInt8]) {
    self.keyId = keyId
    self.privateKey = privateKey
  }
}

/// X25519 keys, of either half.
let encryptionKeyBytes = 32
private let contentKeyBytes = 32
private let nonceBytes = 12
/// RFC 7748: u = 9.
private let basePoint: [UInt8] = [9] + [UInt8](repeating: 0, count: encryptionKeyBytes - 1)

/// Nil for what is no private key.
public func encryptionPublicKey(_ privateKey: [UInt8], _ crypto: OpeningCrypto) -> [UInt8]? {
  crypto.x25519(privateKey: privateKey, publicKey: basePoint)
}

/// Opens the chunks of one file.
public struct FileOpener {
  fileprivate let key: [UInt8]
  fileprivate let crypto: OpeningCrypto

  /// @param sealed exactly the bytes of the chunk
  /// @throws EncryptionError `damaged`
  public func open(_ chunk: EncryptedChunk, _ sealed: [UInt8]) throws -> [UInt8] {
    if sealed.count == chunk.sealedBytes,
      let plain = crypto.openGcm(sealed, key: key, nonce: nonceOf(chunk), associated: []),
      plain.count == chunk.plainBytes
    {
      return plain
    }
    throw EncryptionError(.damaged, "Expected chunk \(chunk.index) as it was encrypted, found something else.")
  }
}

/// Encryption §3, with whichever of the keys the file is for.
/// @param purpose what it has to be: an archive is never opened as a patch
/// @throws EncryptionError
public func openEncryptedFile(
  _ head: EncryptedHead, keys: [DecryptionKey], purpose: EncryptedPurpose, _ crypto: OpeningCrypto
) throws -> FileOpener {
  if head.header.purpose != purpose {
    throw EncryptionError(.damaged, "Expected an encrypted \(purpose), found one for another purpose.")
  }
  let contentKey = try openContentKey(head.header, keys, crypto)
  // Whoever changes a byte of the head has another key, and no chunk opens.
  return FileOpener(key: crypto.hmacSha256(key: contentKey, message: head.bytes), crypto: crypto)
}

private func openContentKey(
  _ header: EncryptedHeader, _ keys: [DecryptionKey], _ crypto: OpeningCrypto
) throws -> [UInt8] {
  for recipient in header.recipients {
    guard let known = keys.first(where: { isSameText($0.keyId, recipient.keyId) }) else { continue }
    let info = utf8FromText("hotpatch encryption v1 \(header.purpose.rawValue) \(recipient.keyId)")
    let message = HpkeMessage(encapsulated: recipient.encapsulated, sealed: recipient.wrappedKey)
    let opened = openHpke(message, privateKey: known.privateKey, HpkeInput(info: info), crypto)
    if let opened, opened.count == contentKeyBytes { return opened }
    let found = "Expected a content key for the key \(recipient.keyId), found one that it does not open."
    throw EncryptionError(.damaged, found)
  }
  throw EncryptionError(.keyMissing, missingKeyMessage(header.recipients.map(\.keyId), keys.map(\.keyId)))
}

/// For people: ids of public keys are no secrets.
func missingKeyMessage(_ recipients: [String], _ keys: [String]) -> String {
  let found = keys.isEmpty ? "no key" : keys.joined(separator: ", ")
  return "It is encrypted for \(recipients.joined(separator: ", ")); found here \(found)."
}

/// The last one is another than it would be with more behind it: what is cut, put elsewhere or added does not open.
private func nonceOf(_ chunk: EncryptedChunk) -> [UInt8] {
  var nonce = [UInt8](repeating: 0, count: nonceBytes)
  for place in 0..<4 { nonce[nonceBytes - 2 - place] = UInt8(truncatingIfNeeded: chunk.index >> (8 * place)) }
  nonce[nonceBytes - 1] = chunk.isLast ? 1 : 0
  return nonce
}
