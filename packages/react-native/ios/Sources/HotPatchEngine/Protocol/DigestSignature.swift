/// Signing §5: the React Native contract's own signature is Ed25519 over the 32 raw bytes of the bundle's SHA-256 (not
/// over its hex text). A release statement starts with "{" and is never 32 bytes of digest, so neither signature can
/// stand in for the other. Nil when `sha256` is not 64 lower-case hex digits.
public func digestSigningInput(_ sha256: String) -> [UInt8]? {
  isHex(sha256, digits: 64) ? bytesFromHex(sha256) : nil
}
