/// Every loop, buffer and wait of the engine has its bound here (Engine §5).
public struct Limits: Sendable {
  public var answerBytes = 256 * 1024
  public var bundleBytes = 256 * 1024 * 1024
  public var unpackedBytes = 1024 * 1024 * 1024
  public var fileCount = 20_000
  /// Of a patch: one file of it, made or read, and what is unpacked of it at a time.
  public var patchPieceBytes = 64 * 1024 * 1024
  /// Of one path inside the archive, in UTF-8 bytes.
  public var pathBytes = 512
  /// A check or a report, from the request to the last byte of its answer.
  public var requestTimeoutMs = 30_000.0
  /// The longest silence within a download.
  public var idleTimeoutMs = 30_000.0
  /// One call of download(), with its retries. What has arrived is kept for the next call.
  public var downloadTimeoutMs = 30 * 60_000.0
  /// Of one download or check, the first included.
  public var attempts = 5
  /// Full jitter: a wait is random between 0 and backOffMs · 2^attempt, at most backOffMaxMs.
  public var backOffMs = 1_000.0
  public var backOffMaxMs = 60_000.0
  /// The longest Retry-After that is believed.
  public var retryAfterMaxMs = 60 * 60_000.0
  public var redirects = 5
  /// Starts without a confirmation after which a release is rolled back.
  public var startsOnProbation = 2
  /// Of a confirmed release, that ended in a crash or before the app was ready; then it is rolled back.
  public var badStartsInARow = 3
  /// Undelivered reports; the oldest are dropped beyond it.
  public var reports = 200
  /// Reports in one request.
  public var reportsAtOnce = 100
  /// Failed and refused releases, and patches that failed, that are remembered.
  public var rememberedReleases = 50

  public init() {}
}

public enum AllowInsecure: Sendable {
  case never
  /// http: to this machine.
  case loopback
  /// http: to anywhere: for development, and servers in a closed network.
  case anywhere
}

/// Whether an edge is asked before the server, or when that is not reached.
public enum EdgeOrder: String, CaseIterable, Sendable {
  case first, fallback
}

public struct EdgeConfig: Equatable, Sendable {
  /// Where its files are: "https://cdn.example.com", with `edge/` and `artifacts/` below.
  public var url: String
  public var order: EdgeOrder

  public init(url: String, order: EdgeOrder = .first) {
    self.url = url
    self.order = order
  }
}

/// What is known only when the app's own code configures it: a start needs none of it.
public struct EngineConfig {
  /// Where the server is: "https://updates.example.com" or "https://updates.example.com/apps/shop". An empty text where
  /// there is only an edge: then reports wait.
  public var serverUrl: String
  /// Signed files that say what to take without a server, or in front of one (Static edge). Needs public keys.
  public var edge: EdgeConfig?
  /// Of the app; an open one needs none.
  public var appKey = ""
  public var appId: String
  public var deviceId: String
  public var channel: String
  public var cohorts: [String] = []
  /// Whether it asks the server for a credential, and shows it with every check and report.
  public var deviceCredential = false
  /// Base64 of raw 32-byte Ed25519 keys; any one of them may sign. Without any, only hashes are checked.
  public var publicKeys: [String] = []
  /// Base64 of raw 32-byte X25519 private keys, of the binary that this is part of: what is encrypted for one of them
  /// can be opened (Encryption §1). At most 8.
  public var decryptionKeys: [String] = []
  /// For development.
  public var allowInsecure = AllowInsecure.never
  /// Whether sync() restarts the app for a mandatory update.
  public var restartsWhenMandatory = true

  public init(serverUrl: String, appId: String, deviceId: String, channel: String) {
    self.serverUrl = serverUrl
    self.appId = appId
    self.deviceId = deviceId
    self.channel = channel
  }
}

/// The same, read.
struct Settings {
  var config: EngineConfig
  var publicKeys: [[UInt8]]
  var decryptionKeys: [[UInt8]]
  var limits: Limits
}
