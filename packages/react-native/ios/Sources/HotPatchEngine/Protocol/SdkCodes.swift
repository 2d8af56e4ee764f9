/// Why a device could not take a release. The same list in every SDK: vectors/problems/sdk-codes.json.
public enum SdkCode: String, CaseIterable, Sendable {
  case checkFailed = "check-failed"
  case answerInvalid = "answer-invalid"
  case insecureUrl = "insecure-url"
  case downloadFailed = "download-failed"
  case downloadTimeout = "download-timeout"
  case downloadTooLarge = "download-too-large"
  case downloadTruncated = "download-truncated"
  case patchFailed = "patch-failed"
  case storageFull = "storage-full"
  case storageFailed = "storage-failed"
  case hashMismatch = "hash-mismatch"
  case signatureMissing = "signature-missing"
  case signatureInvalid = "signature-invalid"
  case statementInvalid = "statement-invalid"
  case wrongApp = "wrong-app"
  case wrongPlatform = "wrong-platform"
  case requirementNotMet = "requirement-not-met"
  case sequenceTooLow = "sequence-too-low"
  case sequenceTooFar = "sequence-too-far"
  case olderThanBinary = "older-than-binary"
  case catalogExpired = "catalog-expired"
  case catalogTooOld = "catalog-too-old"
  case belowFloor = "below-floor"
  case encryptionUnknown = "encryption-unknown"
  case decryptionKeyMissing = "decryption-key-missing"
  case decryptionFailed = "decryption-failed"
  case installFailed = "install-failed"
  case archiveInvalid = "archive-invalid"
  case filesInvalid = "files-invalid"
  case notConfirmed = "not-confirmed"
  case crashed
  case crashedAfterConfirm = "crashed-after-confirm"

  /// Whether the same release may be tried again later.
  public var isRetryable: Bool {
    switch self {
    case .checkFailed, .answerInvalid, .downloadFailed, .downloadTimeout, .downloadTooLarge, .downloadTruncated,
      .patchFailed, .storageFull, .storageFailed, .hashMismatch, .catalogExpired,
      .catalogTooOld, .installFailed:
      return true
    default:
      return false
    }
  }

  /// Whether the release is never offered to this device again.
  public var blamesRelease: Bool {
    switch self {
    case .decryptionFailed, .archiveInvalid, .filesInvalid, .notConfirmed, .crashed, .crashedAfterConfirm:
      return true
    default:
      return false
    }
  }
}
