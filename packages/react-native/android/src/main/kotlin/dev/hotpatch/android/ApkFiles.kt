package dev.hotpatch.android

import android.content.res.AssetManager
import dev.hotpatch.engine.ground.EmbeddedFile
import dev.hotpatch.engine.ground.EmbeddedFilesPort
import java.io.Closeable
import java.io.FileNotFoundException
import java.io.InputStream

/** Of everything in `assets/`, what React Native's build puts there; images are resources (Content §12.1). */
const val EMBEDDED_BUNDLE = "index.android.bundle"

/**
 * What the binary shipped with. It may lie there compressed, and is then read from its beginning: so one stream stays open
 * for as long as it is read in order.
 */
class ApkFiles(private val assets: AssetManager) : EmbeddedFilesPort {
  private var reading: Reading? = null

  override fun list(): List<EmbeddedFile> = try {
    // Of an asset that is all of it.
    assets.open(EMBEDDED_BUNDLE).use { listOf(EmbeddedFile(EMBEDDED_BUNDLE, it.available().toLong())) }
  } catch (_: FileNotFoundException) {
    emptyList() // A build for developers has none.
  }

  @Synchronized
  override fun readRange(path: String, offset: Long, length: Int): ByteArray {
    if (path != EMBEDDED_BUNDLE) throw FileNotFoundException("the binary did not ship with $path")
    val current = reading?.takeIf { it.position <= offset } ?: begin()
    var isOver = true
    try {
      val bytes = current.read(offset, length)
      isOver = bytes.size < length
      return bytes
    } finally {
      if (isOver) end()
    }
  }

  private fun begin(): Reading {
    end()
    return Reading(assets.open(EMBEDDED_BUNDLE, AssetManager.ACCESS_STREAMING)).also { reading = it }
  }

  private fun end() {
    reading?.close()
    reading = null
  }
}

private class Reading(private val stream: InputStream) : Closeable by stream {
  var position = 0L
    private set

  fun read(offset: Long, length: Int): ByteArray {
    skipTo(offset)
    val bytes = ByteArray(length)
    var filled = 0
    while (filled < length) {
      val count = stream.read(bytes, filled, length - filled)
      if (count < 0) break
      filled += count
    }
    position += filled
    return if (filled == length) bytes else bytes.copyOf(filled)
  }

  private fun skipTo(offset: Long) {
    while (position < offset) {
      val count = stream.skip(offset - position)
      if (count <= 0) return // Beyond its end nothing is read.
      position += count
    }
  }
}
