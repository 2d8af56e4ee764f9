package dev.hotpatch.delta

import dev.hotpatch.protocol.MAX_FILE_PATH_BYTES
import dev.hotpatch.protocol.TreeFile

internal const val DIGEST_BYTES = 32

private const val KEPT = 0
private const val MOVED = 1
private const val NEW = 2
private const val PATCHED = 3

/** @param base in the order of paths */
internal fun readIndex(bytes: ByteArray, base: List<TreeFile>, limits: TreeLimits): TreeIndex {
  val reader = ByteReader(bytes, "the index")
  val frames = ArrayList<Frame>()
  repeat(readCount(reader, "frames")) { frames += readFrame(reader) }
  val files = readFiles(reader, base)
  reader.end()
  expectTree(files, limits)
  expectFrames(frames, files, limits)
  return TreeIndex(frames, files)
}

private fun readCount(reader: ByteReader, what: String): Int {
  val count = reader.number()
  if (count > MAX_FILES) throw damaged("Expected up to $MAX_FILES $what, found $count.")
  return count.toInt()
}

private fun readFrame(reader: ByteReader) = Frame(
  packedBytes = reader.number(),
  stepBytes = reader.number(),
  addedBytes = reader.number(),
  insertedBytes = reader.number(),
  fileCount = reader.number(),
)

/** One entry can stand for all files of the base: they are counted before there are as many as all entries together say. */
private fun readFiles(reader: ByteReader, base: List<TreeFile>): List<PatchedFile> {
  val files = ArrayList<PatchedFile>()
  repeat(readCount(reader, "entries")) {
    val read = readEntry(reader, base)
    if (files.size + read.size > MAX_FILES) {
      throw damaged("Expected up to $MAX_FILES files, found ${files.size + read.size}.")
    }
    files += read
  }
  return files
}

private fun readEntry(reader: ByteReader, base: List<TreeFile>): List<PatchedFile> =
  when (val kind = reader.byte()) {
    KEPT -> readKept(reader, base)
    MOVED -> {
      val file = readBase(reader, base)
      listOf(PatchedFile(file.copy(path = readPath(reader)), FileOrigin.Same(file)))
    }
    NEW -> listOf(PatchedFile(readFile(reader), FileOrigin.New))
    PATCHED -> {
      val file = readFile(reader)
      listOf(PatchedFile(file, FileOrigin.Patched(readBase(reader, base), reader.number())))
    }
    else -> throw damaged("Expected an entry of a kind from 0 to 3, found $kind.")
  }

private fun readKept(reader: ByteReader, base: List<TreeFile>): List<PatchedFile> {
  val from = reader.number()
  val count = reader.number()
  if (count == 0L || from + count > base.size) {
    throw damaged("Expected some of ${base.size} files of the base, found $count from $from on.")
  }
  return base.subList(from.toInt(), (from + count).toInt()).map { PatchedFile(it, FileOrigin.Same(it)) }
}

private fun readBase(reader: ByteReader, base: List<TreeFile>): TreeFile {
  val number = reader.number()
  if (number >= base.size) throw damaged("Expected one of ${base.size} files of the base, found number $number.")
  return base[number.toInt()]
}

private fun readFile(reader: ByteReader): TreeFile {
  val path = readPath(reader)
  return TreeFile(path, sizeBytes = reader.number(), sha256 = reader.hex(DIGEST_BYTES))
}

private fun readPath(reader: ByteReader): String {
  val length = reader.number()
  if (length > MAX_FILE_PATH_BYTES) throw damaged("Expected a path of up to $MAX_FILE_PATH_BYTES bytes, found $length.")
  return reader.text(length.toInt()) ?: throw damaged("Expected a path in UTF-8, found other bytes.")
}
