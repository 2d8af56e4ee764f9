package dev.hotpatch.protocol

/** A file of a tree: where it is, and what. */
data class TreeFile(val path: String, val sizeBytes: Long, val sha256: String)

/**
 * Patches §4: the text whose SHA-256 stands for files by path, whichever way somebody comes by them; line by line, as it may
 * be long. Equal exactly when paths and bytes are.
 *
 * @param files each once, at a path that [filePathFault] allows
 */
fun treeLines(files: List<TreeFile>): List<String> =
  files.sortedWith(PATH_ORDER).map { "${it.sha256} ${it.sizeBytes} ${it.path}\n" }

/** The digest of no files: the base of a patch that needs none. */
const val EMPTY_TREE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/** Patches §4: by the bytes of the paths' UTF-8, which is the order of the characters, and not that of UTF-16. */
fun comparePaths(a: String, b: String): Int {
  for (index in 0 until minOf(a.length, b.length)) {
    if (a[index] != b[index]) return rank(a[index].code) - rank(b[index].code)
  }
  return a.length - b.length
}

val PATH_ORDER: Comparator<TreeFile> = Comparator { a, b -> comparePaths(a.path, b.path) }

/** Characters that take two units come after those that take one. */
private fun rank(unit: Int): Int = if (unit >= 0xe000) unit - 0x800 else if (unit >= 0xd800) unit + 0x2000 else unit
