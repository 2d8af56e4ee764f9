/// Engine §8: what of this device's state decides what it takes, in the words of checks and reports.
struct ToldTrust {
  var highestSequence: Int
  var floor: Int
  var trustedKeys: [String]
  var heldReleaseId: String?
  var embeddedBuiltAt: Int?

  var members: [(String, JsonValue?)] {
    [
      ("highestSequence", jsonNumber(highestSequence)),
      ("floor", jsonNumber(floor)),
      ("trustedKeys", jsonTexts(trustedKeys)),
      ("heldReleaseId", jsonText(heldReleaseId)),
      ("embeddedBuiltAt", jsonNumber(embeddedBuiltAt)),
    ]
  }
}

final class TrustTeller {
  private let files: FilesPort
  private let crypto: CryptoPort
  private let store: StateStore
  private let builtAt: Int?
  private let trustedKeys: [String]

  init(_ ports: Ports, _ settings: Settings, _ store: StateStore, builtAt: Int?) {
    files = ports.files
    crypto = ports.crypto
    self.store = store
    self.builtAt = builtAt
    trustedKeys = settings.publicKeys.map { key in
      let hasher = ports.crypto.sha256()
      hasher.update(key)
      return keyIdOf(hexFromBytes(hasher.digest()))
    }
  }

  func tell() -> ToldTrust {
    let heldReleaseId = findHeld()
    let state = store.current
    return ToldTrust(
      highestSequence: state.highWater, floor: state.floor, trustedKeys: trustedKeys, heldReleaseId: heldReleaseId,
      embeddedBuiltAt: builtAt)
  }

  /// What judging an offer would find there (Engine §4).
  private func findHeld() -> String? {
    let state = store.current
    guard let previous = state.previous, previous.sequence >= state.floor else { return nil }
    // A folder that cannot be read now holds nothing to go back to.
    let found = try? inspectSlot(files, crypto, .previous)
    return isSameRelease(found, previous) ? previous.releaseId : nil
  }
}
