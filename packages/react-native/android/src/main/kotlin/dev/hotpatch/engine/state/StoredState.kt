package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.Binary
import dev.hotpatch.engine.ground.Report
import dev.hotpatch.protocol.SdkCode

/** The server's id together with the bytes. */
interface Identity {
  val releaseId: String
  val sha256: String
}

/** What identifies a release on a device. */
data class InstalledRelease(
  override val releaseId: String,
  val version: String,
  /** From the publisher's statement; 0 when the app is not signed. */
  val sequence: Long,
  /** Of the archive it came from. */
  override val sha256: String,
  /** Of files: the path of the one that is run first, where the list names one. */
  val launch: String? = null,
) : Identity

enum class Standing(val text: String) { PROBATION("probation"), CONFIRMED("confirmed") }

data class ActiveRelease(val release: InstalledRelease, val standing: Standing) : Identity by release

/** Where the next start takes its release from; embedded has none. */
sealed interface Source {
  val release: InstalledRelease?

  data class Pending(override val release: InstalledRelease) : Source

  data class Previous(override val release: InstalledRelease) : Source

  data object Embedded : Source {
    override val release: InstalledRelease? get() = null
  }
}

enum class MoveReason(val text: String) {
  UPDATE("update"),
  SERVER_ORDER("server-order"),
  NOT_CONFIRMED("not-confirmed"),
  CRASHED("crashed"),
  CRASHED_AFTER_CONFIRM("crashed-after-confirm"),
  DAMAGED("damaged"),
  BINARY_CHANGED("binary-changed"),
}

/**
 * Engine §6: the intent of a change in ota/bundle, written before the first rename and removed after the last,
 * so that a start after a crash completes it. Carrying it out twice is the same as once.
 */
data class Move(
  val source: Source,
  val why: MoveReason,
  /** What is in ota/bundle was confirmed, and becomes ota/previous. */
  val keepsCurrent: Boolean,
) {
  val release: InstalledRelease? get() = source.release
}

data class RememberedRelease(
  val releaseId: String,
  val sequence: Long,
  val sha256: String,
  val code: SdkCode,
)

/** Both Content §3.1. */
data class PatchIdentity(val baseTree: String, val tree: String)

data class Fetching(override val releaseId: String, override val sha256: String) : Identity

/** ota/metadata.json: every change of it is one atomic write, together with what it has to report. */
data class StoredState(
  /** Which it was written for. */
  val binary: Binary,
  /** What this binary runs says that it is ready at every start, and not only on probation. */
  val tellsReady: Boolean = false,
  val active: ActiveRelease? = null,
  val previous: InstalledRelease? = null,
  val staged: Source? = null,
  val move: Move? = null,
  /** Whose download was begun and is not staged yet: its beginning is told once, however often it is resumed. */
  val fetching: Fetching? = null,
  /** The highest sequence that proved itself here. Never falls. */
  val highWater: Long = 0,
  /** Never falls; nothing below it is gone back to. */
  val floor: Long = 0,
  /** On their way into ota/outbox.json. */
  val unreported: List<Report> = emptyList(),
  /** Never tried again on this device. */
  val failed: List<RememberedRelease> = emptyList(),
  /** Refused before anything was downloaded; remembered so that each is reported once. */
  val refused: List<RememberedRelease> = emptyList(),
  /** From one tree to another: did not work here, and the whole bundle is taken instead. */
  val failedPatches: List<PatchIdentity> = emptyList(),
)

fun isSameRelease(a: Identity?, b: Identity?): Boolean =
  a != null && b != null && a.releaseId == b.releaseId && a.sha256 == b.sha256

/** By id, or by what the publisher signed: another id from the server does not make it another release. */
fun isRemembered(
  remembered: List<RememberedRelease>,
  release: Identity,
  sequence: Long,
  code: SdkCode? = null,
): Boolean = remembered.any {
  (code == null || it.code == code) &&
    (it.releaseId == release.releaseId ||
      (it.sequence > 0 && it.sequence == sequence && it.sha256 == release.sha256))
}
