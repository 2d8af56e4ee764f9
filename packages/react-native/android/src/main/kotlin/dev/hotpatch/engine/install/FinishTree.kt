package dev.hotpatch.engine.install

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.PENDING_TREE
import dev.hotpatch.engine.state.ReleaseFile
import dev.hotpatch.engine.state.ReleaseMarker
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.writeMarker

/** Engine §1: marks a tree as this release, when all its files are durable, and only after its folders are, too. */
fun finishTree(files: FilesPort, root: String, marker: ReleaseMarker) {
  for (directory in directoriesOf(marker.files)) files.syncDirectory(root + directory)
  files.syncDirectory(PENDING)
  writeMarker(files, root, marker)
}

/** What was made in ota/pending/tree, file by file, becomes what is staged. */
fun takeTree(files: FilesPort, marker: ReleaseMarker, makeWay: () -> Unit) {
  finishTree(files, PENDING_TREE, marker)
  // Until here what was staged could still be started.
  makeWay()
  files.remove(Slot.PENDING_FILES.path)
  files.rename(PENDING_TREE, Slot.PENDING_FILES.path)
  files.syncDirectory(PENDING)
}

/** Of everything that was written: each with a leading "/", deepest first; "" is the root itself. */
private fun directoriesOf(written: List<ReleaseFile>): List<String> {
  val all = linkedSetOf("")
  for (file in written) {
    var end = file.path.lastIndexOf('/')
    while (end > 0 && all.add("/" + file.path.substring(0, end))) end = file.path.lastIndexOf('/', end - 1)
  }
  return all.sortedByDescending { it.length }
}
