package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.SdkCode

/** @throws UpdateError 'storage-full' where the disk says that it is too small; one that says nothing is tried */
fun expectRoom(files: FilesPort, neededBytes: Long, what: String) {
  val free = files.freeBytes() ?: return
  if (free < neededBytes) throw UpdateError(SdkCode.STORAGE_FULL, "$free bytes are free, $what has $neededBytes")
}
