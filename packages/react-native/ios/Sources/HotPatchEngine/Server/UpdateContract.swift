/// What the engine tells with every check.
struct ToldCheck {
  /// Of what runs.
  var version: String
  /// Absent when embedded runs.
  var releaseId: String?
  var failedReleaseIds: [String]
  var trust: ToldTrust
  /// Where embedded runs and can be a base: the digest of its tree (Content §3.1).
  var embeddedUpdateId: String?
  /// The formats of patches that can be applied here, the best first.
  var patches: [PatchFormat]
}

/// Patches §5, by how it is packed; the best first.
enum PatchFormat: String, CaseIterable {
  case brotli = "hpdelta1-br"
  case deflate = "hpdelta1-deflate"
}

/// What makes the release of one that lies here.
struct PatchOffer {
  var format: PatchFormat
  var url: String
  var sha256: String
  var sizeBytes: Int
  /// Of what it is made of, and of what comes of it (Content §3.1).
  var baseTree: String
  var tree: String
}

/// The bundle is there, whatever is wrong with what is said of a patch.
enum OfferedPatch {
  case patch(PatchOffer)
  case unreadable(UnexpectedJsonError)
}

/// What a publisher signed, as it arrived; both or, for unsigned apps, neither.
struct SignedStatement {
  var statement: String?
  var statementSignature: String?
}

/// What is at the address, where that is the release encrypted (React Native §2.2).
struct OfferedEncryption {
  var algorithm: String
  /// Of the encrypted file.
  var sha256: String
  var sizeBytes: Int
  var keyIds: [String]
}

/// An archive: React Native §2 has nothing else.
struct Offer {
  var signed: SignedStatement
  var releaseId: String
  var version: String
  var bundleUrl: String
  var sha256: String
  var sizeBytes: Int
  /// Nil when the address has the release as it is.
  var encryption: OfferedEncryption?
  var signature: String?
  var patch: OfferedPatch?
  var mandatory: Bool
  var notes: String?

  var identity: Identity { Identity(releaseId: releaseId, sha256: sha256) }
}

struct EmbeddedOrder {
  var signed: SignedStatement
  var mandatory: Bool
  var reason: String
}

public struct NativeUpdate: Equatable {
  public var minNativeVersion: String
  public var releaseId: String
}

enum CheckAnswer {
  case offer(Offer)
  case embedded(EmbeddedOrder)
  case nothing(reason: String, nativeUpdate: NativeUpdate?)
}
