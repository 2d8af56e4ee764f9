/// An installation, as far as a decision needs to know it.
struct Device {
  var id: String
  /// The shell's version as its store shows it; nil when the client did not say.
  var nativeVersion: String?
  var runtimeVersion: String?
  /// What it runs: nil is embedded. A release that the catalog does not know is never taken back (D6).
  var currentReleaseId: String?
  /// Releases that failed on this device (D4).
  var failedReleaseIds: [String]
  /// What else it told of itself, for attribute rules (Decision §11).
  var attributes: [ExactText: String]
  /// What it refuses, and what it has taken (D11).
  var trust: DeviceTrust
}
