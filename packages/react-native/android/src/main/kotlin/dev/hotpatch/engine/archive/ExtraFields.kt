package dev.hotpatch.engine.archive

private const val ZIP64 = 0x0001
private const val UNICODE_PATH = 0x7075

/** PKWARE's and ASi's Unix fields can carry the target of a link. */
private const val PKWARE_UNIX = 0x000d
private const val ASI_UNIX = 0x756e

/** In front of the name in a Unicode path field. */
private const val UNICODE_PATH_HEAD = 5

/** Engine §4: extra fields must not tell some readers another name, size or kind than the entry tells the others. */
internal fun checkExtraFields(path: String, name: ByteArray, bytes: ByteArray) {
  var at = 0
  while (at + 4 <= bytes.size) {
    val (id, length) = uint16(bytes, at) to uint16(bytes, at + 2)
    val from = at + 4
    if (bytes.size - from < length) refuseArchive("$path has an extra field that is cut")
    if (id == ZIP64) refuseArchive("ZIP64 is not supported")
    if (id == PKWARE_UNIX || id == ASI_UNIX) refuseArchive("$path has a field that can make it a link")
    if (id == UNICODE_PATH && !isName(name, bytes, from + UNICODE_PATH_HEAD, from + length)) {
      refuseArchive("$path has another name in an extra field")
    }
    at = from + length
  }
}

/** A field that is too short for one has the name of nothing. */
private fun isName(name: ByteArray, bytes: ByteArray, from: Int, to: Int): Boolean =
  if (from >= to) name.isEmpty() else bytes.copyOfRange(from, to).contentEquals(name)
