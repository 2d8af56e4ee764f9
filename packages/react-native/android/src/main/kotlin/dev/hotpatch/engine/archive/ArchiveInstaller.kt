package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.expectRoom
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.install.Installer
import dev.hotpatch.engine.install.finishTree
import dev.hotpatch.engine.state.ReleaseMarker
import dev.hotpatch.engine.state.Slot

/** Content §3: one zip. */
val archiveInstaller: Installer = object : Installer {
  override fun maxBytes(limits: Limits): Long = limits.bundleBytes

  /** @throws UpdateError archive-invalid */
  override fun install(installation: Installation) {
    val (ports, limits) = installation.ports to installation.limits
    val archive = ArchiveFile(ports.files, installation.download)
    val entries = readArchiveDirectory(archive, limits)
    expectRoom(ports.files, entries.sumOf { it.sizeBytes }, "unpacked the bundle")
    installation.makeWay()
    val root = Slot.PENDING_FILES.path
    ports.files.remove(root)
    ports.files.makeDirectory(root)
    val written = extractInto(ports, archive, entries, root)
    finishTree(ports.files, root, ReleaseMarker(installation.release, written))
  }
}
