package dev.hotpatch.engine.install

import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.state.InstalledRelease

/** Bytes that were downloaded whole, and whose digest is the announced one. */
class VerifiedDownload(val path: String, val sizeBytes: Long)

class Installation(
  val ports: Ports,
  val limits: Limits,
  val download: VerifiedDownload,
  val release: InstalledRelease,
  /** What is staged is about to go: called before anything in ota/pending/files changes. */
  val makeWay: () -> Unit,
)

/** How a release's files come out of its download. */
interface Installer {
  /** The longest download. */
  fun maxBytes(limits: Limits): Long

  /**
   * Makes ota/pending/files out of the verified download, in such an order that its marker is there only when
   * everything else is durable. Refuses what is not harmless before anything is written.
   */
  fun install(installation: Installation)
}
