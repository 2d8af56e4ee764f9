/// What an app configures, or when it asks, is not as it must be: a mistake in the app's own code.
public struct EngineUseError: Error, CustomStringConvertible {
  public let description: String
}

/// Encryption §1: as many as fit into what a check tells.
private let maxDecryptionKeys = 8
private let keyBytes = 32

/// Throws EngineUseError when a key is not the base64 of 32 bytes, or there are too many; when there is an edge and no key,
/// or neither server nor edge.
func readSettings(_ config: EngineConfig, _ limits: Limits) throws -> Settings {
  if config.edge != nil, config.publicKeys.isEmpty {
    throw EngineUseError(description: "an edge needs public keys: nobody else can vouch for it")
  }
  if config.edge == nil, config.serverUrl.isEmpty {
    throw EngineUseError(description: "expected the address of a server, or an edge")
  }
  if config.publicKeys.count > maxTrustedKeys {
    throw EngineUseError(description: "at most \(maxTrustedKeys) public keys, found \(config.publicKeys.count)")
  }
  if config.decryptionKeys.count > maxDecryptionKeys {
    let found = config.decryptionKeys.count
    throw EngineUseError(description: "at most \(maxDecryptionKeys) decryption keys, found \(found)")
  }
  return Settings(
    config: config,
    publicKeys: try config.publicKeys.map { text in
      if let key = bytesFromBase64(text), key.count == keyBytes { return key }
      throw EngineUseError(
        description: "a public key must be base64 of \(keyBytes) bytes, found \(text.prefix(60))")
    },
    decryptionKeys: try config.decryptionKeys.enumerated().map { index, text in
      if let key = bytesFromBase64(text), key.count == keyBytes { return key }
      // Never a part of it: messages are logged.
      throw EngineUseError(description: "decryption key \(index + 1) must be base64 of \(keyBytes) bytes")
    },
    limits: limits)
}
