package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.install.VerifiedDownload

internal class ArchiveFile(private val files: FilesPort, private val download: VerifiedDownload) {
  val sizeBytes: Long get() = download.sizeBytes

  /** @throws UpdateError archive-invalid */
  fun readExactly(offset: Long, length: Int): ByteArray {
    if (offset < 0 || offset + length > sizeBytes) refuseArchive("it points outside itself")
    var bytes = files.readRange(download.path, offset, length)
    while (bytes.size < length) {
      val more = files.readRange(download.path, offset + bytes.size, length - bytes.size)
      if (more.isEmpty()) refuseArchive("it ends too early")
      bytes += more
    }
    return bytes
  }
}
