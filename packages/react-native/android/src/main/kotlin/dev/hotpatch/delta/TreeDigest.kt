package dev.hotpatch.delta

import dev.hotpatch.protocol.Hasher
import dev.hotpatch.protocol.TreeFile
import dev.hotpatch.protocol.filePathFault
import dev.hotpatch.protocol.findPathConflict
import dev.hotpatch.protocol.hexFromBytes
import dev.hotpatch.protocol.treeLines
import dev.hotpatch.protocol.utf8FromText

/** Patches §4: a list with as many files as a release may have. */
const val MAX_FILES = 20_000

/** A device's crypto port has it. */
typealias Sha256 = () -> Hasher

/** Patches §4: of whole trees. Equal exactly when paths and bytes are. */
fun treeDigest(files: List<TreeFile>, sha256: Sha256): String {
  val hasher = sha256()
  for (line in treeLines(files)) hasher.update(utf8FromText(line))
  return hexFromBytes(hasher.digest())
}

/** Why paths cannot be those of a tree's files, wherever they are written; null when they can. */
fun treeFault(paths: List<String>): String? {
  for (path in paths) {
    val found = if (path.endsWith('/')) "a folder's path" else filePathFault(path)?.found
    if (found != null) return "$found in \"${path.take(200)}\""
  }
  return findPathConflict(paths)?.let { "\"${it.path}\" beside \"${it.other}\"" }
}

internal fun expectDigest(sha256: Sha256, bytes: ByteArray, expected: String, code: PatchErrorCode) {
  val hasher = sha256()
  hasher.update(bytes)
  val found = hexFromBytes(hasher.digest())
  if (found == expected) return
  val what = if (code == PatchErrorCode.BASE_DIFFERS) "a base" else "a result"
  throw PatchException(code, "Expected $what with the digest $expected, found $found.")
}
