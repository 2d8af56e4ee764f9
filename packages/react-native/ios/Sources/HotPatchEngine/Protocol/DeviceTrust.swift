/// Signing §6: how far above its high-water mark a device lets a sequence be. A publisher who is made to sign the highest
/// possible sequence once could send no later release to the devices that took it.
public let maxSequenceStep = 1_000_000

/// More keys than any binary holds.
public let maxTrustedKeys = 20

/// Signing §9: 16 hex digits, which 8 bytes are.
private let keyIdDigits = 16

public func isKeyId(_ text: String) -> Bool {
  isHex(text, digits: keyIdDigits)
}

/// Signing §9.
/// @param sha256 lower-case hex of the SHA-256 of the raw public key
public func keyIdOf(_ sha256: String) -> String {
  String(sha256.prefix(keyIdDigits))
}

/// D11: what a device has taken, and what it therefore refuses.
struct DeviceTrust {
  var highWater: Int
  var floor: Int
  /// Of the publishers' keys that it holds; none: it takes what nobody has signed.
  var keyIds: [String]
  /// What it can go back to without fetching anything.
  var heldReleaseId: String?
  /// When its binary was built, in milliseconds since 1970; nil: not known.
  var builtAt: Int?
}
