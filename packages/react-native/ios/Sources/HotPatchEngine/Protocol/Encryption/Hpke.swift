/// RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-GCM. One message for each set-up.
public struct HpkeInput {
  /// Binds what is sealed to what it is for.
  public var info: [UInt8]
  /// Authenticated with it.
  public var associated: [UInt8] = []
  /// Of AES: 16 or 32, as everywhere here.
  public var keyBytes = 32

  public init(info: [UInt8], associated: [UInt8] = [], keyBytes: Int = 32) {
    self.info = info
    self.associated = associated
    self.keyBytes = keyBytes
  }
}

public struct HpkeMessage {
  /// The public half of a key that was made for this message alone.
  public var encapsulated: [UInt8]
  public var sealed: [UInt8]

  public init(encapsulated: [UInt8], sealed: [UInt8]) {
    self.encapsulated = encapsulated
    self.sealed = sealed
  }
}

private let kemId: [UInt8] = [0x00, 0x20]
private let kdfId: [UInt8] = [0x00, 0x01]
private let modeBase: UInt8 = 0
private let nonceBytes = 12
private let sharedBytes = 32
private let kemSuite = utf8FromText("KEM") + kemId

/// Nil when the key is another one, or anything was changed.
public func openHpke(
  _ message: HpkeMessage, privateKey: [UInt8], _ input: HpkeInput, _ crypto: OpeningCrypto
) -> [UInt8]? {
  // RFC 9180 §7.1.4: all zeros come of a public key that was chosen for that, and are nobody's secret.
  guard let publicKey = encryptionPublicKey(privateKey, crypto),
    let agreed = crypto.x25519(privateKey: privateKey, publicKey: message.encapsulated),
    agreed.contains(where: { $0 != 0 })
  else { return nil }
  let context = setUp(agreed, encapsulated: message.encapsulated, publicKey: publicKey, input, crypto)
  return crypto.openGcm(message.sealed, key: context.key, nonce: context.nonce, associated: input.associated)
}

/// RFC 9180 §4.1 and §5.1.
private func setUp(
  _ agreed: [UInt8], encapsulated: [UInt8], publicKey: [UInt8], _ input: HpkeInput, _ crypto: OpeningCrypto
) -> (key: [UInt8], nonce: [UInt8]) {
  let kem = LabelledHkdf(suite: kemSuite, crypto: crypto)
  let extracted = kem.extract(salt: [], "eae_prk", agreed)
  let shared = kem.expand(extracted, "shared_secret", encapsulated + publicKey, length: sharedBytes)
  let aeadId: [UInt8] = [0x00, input.keyBytes == 16 ? 0x01 : 0x02]
  let hpke = LabelledHkdf(suite: utf8FromText("HPKE") + kemId + kdfId + aeadId, crypto: crypto)
  let noKeyId = hpke.extract(salt: [], "psk_id_hash", [])
  let context = [modeBase] + noKeyId + hpke.extract(salt: [], "info_hash", input.info)
  let secret = hpke.extract(salt: shared, "secret", [])
  return (
    key: hpke.expand(secret, "key", context, length: input.keyBytes),
    nonce: hpke.expand(secret, "base_nonce", context, length: nonceBytes)
  )
}

/// RFC 9180 §4, over RFC 5869. Nothing that is asked for here is longer than one block.
private struct LabelledHkdf {
  let suite: [UInt8]
  let crypto: OpeningCrypto

  func extract(salt: [UInt8], _ label: String, _ secret: [UInt8]) -> [UInt8] {
    crypto.hmacSha256(key: salt, message: utf8FromText("HPKE-v1") + suite + utf8FromText(label) + secret)
  }

  func expand(_ key: [UInt8], _ label: String, _ info: [UInt8], length: Int) -> [UInt8] {
    let labelled = utf8FromText("HPKE-v1") + suite + utf8FromText(label) + info
    let block = crypto.hmacSha256(key: key, message: [0, UInt8(length)] + labelled + [1])
    return Array(block.prefix(length))
  }
}
