package dev.hotpatch.protocol

/** An installation, as far as a decision needs to know it. */
class Device(
  val id: String,
  /** The shell's version as its store shows it; null when the client did not say. */
  val nativeVersion: String?,
  val runtimeVersion: String?,
  /** What it runs: null is embedded. A release that the catalog does not know is never taken back (D6). */
  val currentReleaseId: String?,
  /** Releases that failed on this device (D4). */
  val failedReleaseIds: List<String>,
  /** What else it told of itself, for attribute rules (Decision §11). */
  val attributes: Map<String, String>,
  /** What it refuses, and what it has taken (D11). */
  val trust: DeviceTrust,
)
