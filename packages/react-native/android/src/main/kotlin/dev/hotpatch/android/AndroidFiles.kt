package dev.hotpatch.android

import android.os.StatFs
import dev.hotpatch.engine.ground.DiskFullException
import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FileStat
import dev.hotpatch.engine.ground.FilesPort
import java.io.File
import java.io.FileNotFoundException
import java.io.FileOutputStream
import java.io.IOException
import java.io.RandomAccessFile

/** The files port in a real directory, which is created when the first thing is written. */
class AndroidFiles(private val root: File, private val disk: DiskCalls = diskCalls()) : FilesPort {
  override fun locate(path: String): String = at(path).path

  override fun read(path: String): ByteArray? {
    // That it is not there is the usual case, and no exception tells it from what could not be read.
    if (stat(path) == null) return null
    return at(path).readBytes()
  }

  override fun readRange(path: String, offset: Long, length: Int): ByteArray =
    RandomAccessFile(at(path), "r").use { file ->
      file.seek(offset)
      val bytes = ByteArray(minOf(length.toLong(), (file.length() - offset).coerceAtLeast(0)).toInt())
      var filled = 0
      while (filled < bytes.size) {
        val count = file.read(bytes, filled, bytes.size - filled)
        if (count < 0) return bytes.copyOf(filled)
        filled += count
      }
      bytes
    }

  override fun write(path: String, bytes: ByteArray) = withRoom {
    FileOutputStream(ready(path)).use { file ->
      file.write(bytes)
      file.fd.sync()
    }
  }

  override fun append(path: String, offset: Long, bytes: ByteArray) = withRoom {
    RandomAccessFile(ready(path), "rw").use { file ->
      file.setLength(offset)
      file.seek(offset)
      file.write(bytes)
    }
  }

  override fun sync(path: String) = withRoom {
    val file = at(path)
    // The mode that writes would make it.
    if (stat(path) == null) throw FileNotFoundException("there is nothing at ${file.path}")
    RandomAccessFile(file, "rw").use { it.fd.sync() }
  }

  override fun syncDirectory(path: String) = withRoom { disk.syncDirectory(at(path)) }

  override fun rename(from: String, to: String) = withRoom { disk.rename(at(from), at(to)) }

  override fun remove(path: String) {
    val kind = stat(path)?.kind ?: return
    // A link is removed, and not what it leads to.
    if (kind == FileKind.DIRECTORY) {
      val names = at(path).list() ?: throw IOException("the directory ${at(path).path} cannot be read")
      for (name in names) remove(if (path.isEmpty()) name else "$path/$name")
    }
    if (!at(path).delete() && stat(path) != null) throw IOException("${at(path).path} cannot be removed")
  }

  override fun makeDirectory(path: String) = withRoom { disk.makeDirectory(at(path)) }

  override fun stat(path: String): FileStat? = disk.stat(at(path))

  /** Of the disk that it is on, also before it is there. */
  override fun freeBytes(): Long? = try {
    var there: File? = root
    while (there != null && !there.exists()) there = there.parentFile
    there?.let { StatFs(it.path).availableBytes }
  } catch (_: IllegalArgumentException) {
    null // It does not say so.
  }

  private fun at(path: String): File = if (path.isEmpty()) root else File(root, path)

  /** The folder itself is there from the first write on. */
  private fun ready(path: String): File {
    if (!root.isDirectory) makeDirectory("")
    return at(path)
  }
}

private fun <Result> withRoom(work: () -> Result): Result = try {
  work()
} catch (error: IOException) {
  throw if (isDiskFull(error)) DiskFullException(error.message ?: "no space left on the device", error) else error
}
