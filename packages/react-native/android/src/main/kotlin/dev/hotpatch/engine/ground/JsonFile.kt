package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.utf8FromText
import dev.hotpatch.protocol.writeJson

/** Null when the file is absent, or damaged: writes are atomic, so only a failing disk can tear one. */
fun <T : Any> readJsonFile(files: FilesPort, path: String, read: (JsonValue?) -> T): T? {
  val bytes = files.read(path) ?: return null
  return try {
    read(jsonFromUtf8(bytes))
  } catch (_: UnexpectedJsonException) {
    null
  }
}

/** Engine §6: after a crash at any moment the file is the old one or the new one. One writer per path at a time. */
fun writeJsonFile(files: FilesPort, path: String, value: JsonValue) {
  val temporary = "$path.tmp"
  files.write(temporary, utf8FromText(writeJson(value)))
  files.rename(temporary, path)
  files.syncDirectory(path.substringBeforeLast('/'))
}
