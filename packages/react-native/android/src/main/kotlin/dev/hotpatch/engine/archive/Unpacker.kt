package dev.hotpatch.engine.archive

import java.util.zip.DataFormatException
import java.util.zip.Inflater

/** Takes bytes that are valid until it returns. */
internal typealias Take = (bytes: ByteArray, length: Int) -> Unit

/** What makes an entry's content of what is packed. */
internal interface Unpacker {
  fun push(packed: ByteArray)

  /** Refuses what did not come to its end. */
  fun end()

  fun close()
}

internal class StoredUnpacker(private val take: Take) : Unpacker {
  override fun push(packed: ByteArray) = take(packed, packed.size)

  override fun end() = Unit

  override fun close() = Unit
}

private const val OUTPUT_BYTES = 64 * 1024

/** RFC 1951 without any header. It is zlib itself, which refuses exactly what it refuses on the server. */
internal class DeflatedUnpacker(private val path: String, private val take: Take) : Unpacker {
  private val inflater = Inflater(true)
  private val output = ByteArray(OUTPUT_BYTES)

  override fun push(packed: ByteArray) {
    if (inflater.finished()) refuseArchive("$path goes on after its end")
    inflater.setInput(packed)
    // A full piece may have left more to come, without more input.
    do {
      val length = step()
      if (length > 0) take(output, length)
    } while (length == OUTPUT_BYTES && !inflater.finished())
    if (inflater.remaining > 0) refuseArchive("$path goes on after its end")
  }

  private fun step(): Int {
    val length = try {
      inflater.inflate(output)
    } catch (_: DataFormatException) {
      refuseArchive("$path is damaged")
    }
    if (inflater.needsDictionary()) refuseArchive("$path is damaged")
    return length
  }

  override fun end() {
    if (!inflater.finished()) refuseArchive("$path ends too early")
  }

  override fun close() = inflater.end()
}
