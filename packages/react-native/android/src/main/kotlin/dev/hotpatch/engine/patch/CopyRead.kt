package dev.hotpatch.engine.patch

import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.state.ReadRange
import dev.hotpatch.engine.state.ReleaseFile
import dev.hotpatch.protocol.hexFromBytes

private const val CHUNK = 256 * 1024

/** False when it is not what it was, or cannot be read. Every byte is hashed on its way. */
internal fun copyRead(ports: Ports, file: ReleaseFile, to: String, read: ReadRange): Boolean {
  val hasher = ports.crypto.sha256()
  var offset = 0L
  do {
    val wanted = minOf(CHUNK.toLong(), file.sizeBytes - offset).toInt()
    // A place of the disk that cannot be read any more is no reason not to fetch what was there.
    val bytes = runCatching { read(offset, wanted) }.getOrNull()
    if (bytes?.size != wanted) return false
    hasher.update(bytes)
    ports.files.append(to, offset, bytes)
    offset += CHUNK
  } while (offset < file.sizeBytes)
  if (hexFromBytes(hasher.digest()) != file.sha256) return false
  ports.files.sync(to)
  return true
}
