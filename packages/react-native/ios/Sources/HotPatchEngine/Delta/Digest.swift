public typealias Sha256 = () -> Sha256Hasher

/// In lower-case hex.
func digestOf(_ sha256: Sha256, _ bytes: [UInt8]) -> String {
  let hasher = sha256()
  hasher.update(bytes)
  return hexFromBytes(hasher.digest())
}

func expectDigest(_ sha256: Sha256, _ bytes: [UInt8], _ expected: String, _ code: PatchError.Code) throws {
  let found = digestOf(sha256, bytes)
  if isSameText(found, expected) { return }
  let what = code == .baseDiffers ? "a base" : "a result"
  throw PatchError(code, "Expected \(what) with the digest \(expected), found \(found).")
}
