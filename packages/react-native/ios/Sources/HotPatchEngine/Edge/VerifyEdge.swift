private let signatureBytes = 64

private struct Verified {
  let text: String
  /// Which of the keys that were given, by its place.
  let key: Int
}

/// Nothing is read of a text before its signature was verified over its exact bytes. Nil: none of the keys signed it.
private func verify(_ crypto: CryptoPort, _ envelope: EdgeEnvelope, _ keys: [[UInt8]]) throws -> Verified? {
  guard let bytes = bytesFromBase64(envelope.payload), bytes.count <= maxEdgeDocumentBytes else { return nil }
  for text in envelope.signatures {
    guard let signature = bytesFromBase64(text), signature.count == signatureBytes else { continue }
    let key = keys.firstIndex { crypto.verifyEd25519(publicKey: $0, message: bytes, signature: signature) }
    if let key { return Verified(text: try textOf(bytes, "a document"), key: key) }
  }
  return nil
}

/// Static edge §8: by a publisher's key, for this app. Throws UpdateError.
func verifyKeyDocument(
  _ crypto: CryptoPort, _ envelope: EdgeEnvelope, publicKeys: [[UInt8]], appId: String
) throws -> EdgeKeyDocument {
  guard let verified = try verify(crypto, envelope, publicKeys) else {
    throw UpdateError(.signatureInvalid, "no known key signed the keys of the edge")
  }
  let document = try readOrRefuse("the key document") { try readEdgeKeyDocument(verified.text) }
  if isSameText(document.appId, appId) { return document }
  throw UpdateError(.wrongApp, "the keys of the edge are for the app \(document.appId)")
}

struct VerifiedPointer {
  let pointer: EdgePointer
  /// Of the key that signed it, in milliseconds since 1970.
  let notAfter: Int
}

/// Static edge §8: by a key that the document names. Nil: by none of them.
/// Throws UpdateError 'answer-invalid' when it is signed, and not as it must be.
func verifyPointer(
  _ crypto: CryptoPort, _ envelope: EdgeEnvelope, _ document: EdgeKeyDocument
) throws -> VerifiedPointer? {
  let keys = document.keys.compactMap { key in bytesFromBase64(key.publicKey).map { ($0, key.notAfter) } }
  guard let verified = try verify(crypto, envelope, keys.map(\.0)) else { return nil }
  let pointer = try readOrRefuse("the pointer") { try readEdgePointer(verified.text) }
  return VerifiedPointer(pointer: pointer, notAfter: keys[verified.key].1)
}
