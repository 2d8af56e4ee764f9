/// What a release is known by: the server's id together with the bytes.
struct Identity {
  var releaseId: String
  var sha256: String
}

/// What identifies a release on a device.
struct InstalledRelease {
  var releaseId: String
  var version: String
  /// From the publisher's statement; 0 when the app is not signed.
  var sequence: Int
  /// Of the archive it came from.
  var sha256: String
  /// Of files: the path of the one that is run first, where the list names one.
  var launch: String?

  var identity: Identity { Identity(releaseId: releaseId, sha256: sha256) }
}

enum Standing: String, CaseIterable {
  case probation, confirmed

  var state: UpdateState { self == .probation ? .probation : .confirmed }
}

struct ActiveRelease {
  var release: InstalledRelease
  var standing: Standing
}

/// Where the next start takes its release from.
enum Source {
  case pending(InstalledRelease)
  case previous(InstalledRelease)
  case embedded

  var release: InstalledRelease? {
    switch self {
    case .pending(let release), .previous(let release): return release
    case .embedded: return nil
    }
  }

  var from: String {
    switch self {
    case .pending: return "pending"
    case .previous: return "previous"
    case .embedded: return "embedded"
    }
  }

  var isPending: Bool {
    if case .pending = self { return true }
    return false
  }
}

/// Engine §6: the intent of a change in ota/bundle, written before the first rename and removed after the last, so that a
/// start after a crash completes it. Carrying it out twice is the same as once. A class, as one intent is another one
/// than the next, which may say the same.
final class Move {
  enum Why: String, CaseIterable {
    case update
    case serverOrder = "server-order"
    case notConfirmed = "not-confirmed"
    case crashed
    case crashedAfterConfirm = "crashed-after-confirm"
    case damaged
    case binaryChanged = "binary-changed"
  }

  let source: Source
  let why: Why
  /// What is in ota/bundle was confirmed, and becomes ota/previous.
  let keepsCurrent: Bool

  init(_ source: Source, why: Why, keepsCurrent: Bool) {
    self.source = source
    self.why = why
    self.keepsCurrent = keepsCurrent
  }
}

struct RememberedRelease {
  var releaseId: String
  var sequence: Int
  var sha256: String
  var code: SdkCode
}

/// Both Content §3.1.
struct PatchIdentity {
  var baseTree: String
  var tree: String
}

/// ota/metadata.json: every change of it is one atomic write, together with what it has to report.
struct StoredState {
  /// Which it was written for.
  var binary: Binary
  /// What this binary runs says that it is ready at every start, and not only on probation.
  var tellsReady = false
  var active: ActiveRelease?
  var previous: InstalledRelease?
  var staged: Source?
  var move: Move?
  /// Whose download was begun and is not staged yet: its beginning is told once, however often it is resumed.
  var fetching: Identity?
  /// The highest sequence that proved itself here. Never falls.
  var highWater = 0
  /// Never falls; nothing below it is gone back to.
  var floor = 0
  /// Never tried again on this device.
  var failed: [RememberedRelease] = []
  /// Refused before anything was downloaded; remembered so that each is reported once.
  var refused: [RememberedRelease] = []
  /// From one tree to another: did not work here, and the whole bundle is taken instead.
  var failedPatches: [PatchIdentity] = []
  /// On their way into ota/outbox.json.
  var unreported: [Report] = []

  init(binary: Binary) {
    self.binary = binary
  }
}

func isSameRelease(_ a: Identity?, _ b: Identity?) -> Bool {
  guard let a, let b else { return false }
  return isSameText(a.releaseId, b.releaseId) && isSameText(a.sha256, b.sha256)
}

func isSameRelease(_ a: InstalledRelease?, _ b: InstalledRelease?) -> Bool {
  isSameRelease(a?.identity, b?.identity)
}

/// By id, or by what the publisher signed: another id from the server does not make it another release.
func isRemembered(
  _ remembered: [RememberedRelease], _ identity: Identity, sequence: Int, code: SdkCode? = nil
) -> Bool {
  remembered.contains { entry in
    (code == nil || entry.code == code)
      && (isSameText(entry.releaseId, identity.releaseId)
        || (entry.sequence > 0 && entry.sequence == sequence && isSameText(entry.sha256, identity.sha256)))
  }
}
