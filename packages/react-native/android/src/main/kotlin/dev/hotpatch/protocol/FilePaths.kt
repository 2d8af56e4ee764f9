package dev.hotpatch.protocol

import java.text.Normalizer
import java.util.Locale

/** On iOS a path has 1,024 bytes at most, and those in front of the bundle's folder count. */
const val MAX_FILE_PATH_BYTES = 512

/** What file systems take as one name. */
private const val MAX_NAME_BYTES = 255

/** Engine §1: what devices keep beside the files of a release, with its temporary form. */
private const val ENGINE_FILE = ".hotpatch.json"

enum class FilePathRule(val text: String) { PATH("path"), PATH_LENGTH("path-length") }

/** @property found what the path has, as "found …" goes on */
class FilePathFault(val rule: FilePathRule, val found: String)

/** Windows opens a device under these names, whatever the folder, the case and what follows the first dot. */
private val WINDOWS_DEVICES: Set<String> =
  setOf("con", "prn", "aux", "nul", "clock$", "conin$", "conout$") +
    listOf("com", "lpt").flatMap { port -> "0123456789\u00b9\u00b2\u00b3".map { port + it } }

/**
 * Engine §4: why a path of a release is never made into a file; null when it is harmless on every platform.
 * A folder's path ends in a slash.
 */
fun filePathFault(path: String, maxBytes: Int = MAX_FILE_PATH_BYTES): FilePathFault? {
  val name = path.removeSuffix("/")
  val bytes = utf8Length(path)
  if (bytes > maxBytes) return tooLong("a path of $bytes bytes, more than $maxBytes")
  (unreadable(path) ?: shapeOf(name))?.let { return FilePathFault(FilePathRule.PATH, it) }
  val folded = foldFilePath(name)
  // Where ignorable characters count for nothing, what is left must be as harmless.
  shapeOf(folded)?.let { return FilePathFault(FilePathRule.PATH, "$it, behind invisible characters") }
  if (folded.split('/').any(::isWindowsDevice)) return FilePathFault(FilePathRule.PATH, "the name of a device on Windows")
  if (isEngineFile(folded)) return FilePathFault(FilePathRule.PATH, "\".hotpatch.json\", which devices keep for themselves")
  val isLong = name.split('/').any { utf8Length(it) > MAX_NAME_BYTES }
  return if (isLong) tooLong("a name of more than $MAX_NAME_BYTES bytes") else null
}

/**
 * Two paths that fold to the same are the same file somewhere: where case or composition does not count (Windows,
 * macOS, Android's shared storage), or where invisible characters do not (older Apple file systems, and people's eyes).
 */
fun foldFilePath(path: String): String {
  if (path.all { it < '\u0080' }) return path.lowercase(Locale.ROOT)
  val composed = Normalizer.normalize(withoutIgnorable(path), Normalizer.Form.NFC)
  return Normalizer.normalize(composed.uppercase(Locale.ROOT).lowercase(Locale.ROOT), Normalizer.Form.NFC)
}

enum class FilePathConflictKind(val text: String) { SAME_PLACE("same-place"), INSIDE_A_FILE("inside-a-file") }

class FilePathConflict(val path: String, val other: String, val kind: FilePathConflictKind)

private class FoldedPath(val path: String) {
  val isFolder = path.endsWith('/')

  /** With a separator that sorts before everything else, what is inside a file follows directly after it. */
  val key: String = foldFilePath(path.removeSuffix("/")).replace('/', '\u0000')
}

/** The first two paths of which only one can be; folders end in a slash. */
fun findPathConflict(paths: Iterable<String>): FilePathConflict? {
  val entries = paths.map(::FoldedPath).sortedBy { it.key }
  for (index in 0 until entries.size - 1) {
    val (entry, next) = entries[index] to entries[index + 1]
    if (next.key == entry.key) return FilePathConflict(next.path, entry.path, FilePathConflictKind.SAME_PLACE)
    if (!entry.isFolder && next.key.startsWith(entry.key + '\u0000')) {
      return FilePathConflict(next.path, entry.path, FilePathConflictKind.INSIDE_A_FILE)
    }
  }
  return null
}

private fun unreadable(path: String): String? = when {
  !isWellFormed(path) -> "half a character, of which every file system makes the same"
  path.any { it < ' ' || it in '\u007f'..'\u009f' } -> "a control character"
  else -> null
}

private fun shapeOf(path: String): String? {
  val names = path.split('/')
  return when {
    path.isEmpty() -> "an empty name"
    '\\' in path -> "a backslash, which is a folder separator on Windows"
    ':' in path -> "a colon, which names drives and alternate streams on Windows"
    path.any { it in "\"*<>?|" } -> "one of \"*<>?|, which no name on Windows may have"
    path.startsWith('/') -> "an absolute path"
    ".." in names -> "\"..\", which climbs out of the folder"
    "." in names -> "\".\" as a folder"
    "" in names -> "an empty name"
    // Windows drops them, so that two names become one.
    names.any { it.endsWith('.') || it.endsWith(' ') } -> "a name that ends in a dot or a space"
    else -> null
  }
}

private fun isWindowsDevice(name: String): Boolean = name.substringBefore('.').trimEnd(' ') in WINDOWS_DEVICES

private fun isEngineFile(path: String): Boolean =
  path.startsWith(ENGINE_FILE) && (path.length == ENGINE_FILE.length || path[ENGINE_FILE.length] in "./")

private fun tooLong(found: String) = FilePathFault(FilePathRule.PATH_LENGTH, found)

/** Unicode's Default_Ignorable_Code_Point, written out in pairs: it must not depend on the phone's version of Unicode. */
private val IGNORABLE = intArrayOf(
  0xad, 0xad,
  0x34f, 0x34f,
  0x61c, 0x61c,
  0x115f, 0x1160,
  0x17b4, 0x17b5,
  0x180b, 0x180f,
  0x200b, 0x200f,
  0x202a, 0x202e,
  0x2060, 0x206f,
  0x3164, 0x3164,
  0xfe00, 0xfe0f,
  0xfeff, 0xfeff,
  0xffa0, 0xffa0,
  0xfff0, 0xfff8,
  0x1bca0, 0x1bca3,
  0x1d173, 0x1d17a,
  0xe0000, 0xe0fff,
)

private fun withoutIgnorable(text: String): String {
  val kept = StringBuilder(text.length)
  var index = 0
  while (index < text.length) {
    val point = pointAt(text, index)
    index += if (point > 0xffff) 2 else 1
    if (!isIgnorable(point)) kept.appendCodePoint(point)
  }
  return kept.toString()
}

private fun isIgnorable(point: Int): Boolean {
  for (at in IGNORABLE.indices step 2) if (point >= IGNORABLE[at] && point <= IGNORABLE[at + 1]) return true
  return false
}
