package dev.hotpatch.engine.ground

/** Every loop, buffer and wait of the engine has its bound here (Engine §5). */
data class Limits(
  val answerBytes: Int = 256 * 1024,
  val bundleBytes: Long = 256L * 1024 * 1024,
  val unpackedBytes: Long = 1024L * 1024 * 1024,
  val fileCount: Int = 20_000,
  /** Of a patch: one file of it, made or read, and what is unpacked of it at a time. */
  val patchPieceBytes: Int = 64 * 1024 * 1024,
  /** Of one path inside the archive, in UTF-8 bytes. */
  val pathBytes: Int = 512,
  /** A check or a report, from the request to the last byte of its answer. */
  val requestTimeoutMs: Long = 30_000,
  /** The longest silence within a download. */
  val idleTimeoutMs: Long = 30_000,
  /** One call of download(), with its retries. What has arrived is kept for the next call. */
  val downloadTimeoutMs: Long = 30 * 60_000,
  /** Of one download or check, the first included. */
  val attempts: Int = 5,
  /** Full jitter: a wait is random between 0 and backOffMs · 2^attempt, at most backOffMaxMs. */
  val backOffMs: Long = 1_000,
  val backOffMaxMs: Long = 60_000,
  /** The longest Retry-After that is believed. */
  val retryAfterMaxMs: Long = 60 * 60_000,
  val redirects: Int = 5,
  /** Starts without a confirmation after which a release is rolled back. */
  val startsOnProbation: Int = 2,
  /** Of a confirmed release, that ended in a crash or before the app was ready; then it is rolled back. */
  val badStartsInARow: Int = 3,
  /** Undelivered reports; the oldest are dropped beyond it. */
  val reports: Int = 200,
  /** Reports in one request. */
  val reportsAtOnce: Int = 100,
  /** Failed and refused releases, and patches that failed, that are remembered. */
  val rememberedReleases: Int = 50,
)

/** For development, and servers in a closed network: whether http: is allowed, to this machine or to anywhere. */
enum class AllowInsecure { NEVER, LOOPBACK, ANYWHERE }

/** Whether an edge is asked before the server, or when that is not reached. */
enum class EdgeOrder { FIRST, FALLBACK }

data class EdgeConfig(
  /** Where its files are: "https://cdn.example.com", with `edge/` and `artifacts/` below. */
  val url: String,
  val order: EdgeOrder = EdgeOrder.FIRST,
)

/** What the engine needs to ask for updates. A start needs none of it. */
data class EngineConfig(
  /**
   * Where the server is: "https://updates.example.com" or "https://updates.example.com/apps/shop". An empty text where there
   * is only an edge: then reports wait.
   */
  val serverUrl: String,
  val appId: String,
  val deviceId: String,
  val channel: String,
  /** Signed files that say what to take without a server, or in front of one (Static edge). Needs public keys. */
  val edge: EdgeConfig? = null,
  /** Of the app; an open one needs none. */
  val appKey: String = "",
  val cohorts: List<String> = emptyList(),
  /** Whether it asks the server for a credential, and shows it with every check and report. */
  val deviceCredential: Boolean = false,
  /** Base64 of raw 32-byte Ed25519 keys; any one of them may sign. Without any, only hashes are checked. */
  val publicKeys: List<String> = emptyList(),
  /**
   * Base64 of raw 32-byte X25519 private keys, of the binary that this is part of: what is encrypted for one of them can be
   * opened (Encryption §1). At most 8.
   */
  val decryptionKeys: List<String> = emptyList(),
  val allowInsecure: AllowInsecure = AllowInsecure.NEVER,
  /** Whether sync() restarts the app for a mandatory update. */
  val restartsWhenMandatory: Boolean = true,
) {
  // Keys are no part of what is logged.
  override fun toString(): String = "EngineConfig($serverUrl, $appId, $channel)"
}

/** A config that was read, and its limits. */
class Settings(
  val config: EngineConfig,
  val publicKeys: List<ByteArray>,
  val decryptionKeys: List<ByteArray>,
  val limits: Limits,
) {
  val allowInsecure: AllowInsecure get() = config.allowInsecure
}
