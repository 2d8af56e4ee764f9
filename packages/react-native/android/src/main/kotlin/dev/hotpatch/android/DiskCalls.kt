package dev.hotpatch.android

import android.os.Build
import android.system.ErrnoException
import android.system.Os
import android.system.OsConstants
import androidx.annotation.RequiresApi
import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FileStat
import java.io.File
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.LinkOption
import java.nio.file.NoSuchFileException
import java.nio.file.StandardCopyOption
import java.nio.file.StandardOpenOption
import java.nio.file.attribute.BasicFileAttributes

/** What java.io cannot: to see a link as one, to make names durable, and to say why something did not work. */
interface DiskCalls {
  /** Null when there is nothing. */
  fun stat(file: File): FileStat?

  fun syncDirectory(directory: File)

  fun rename(from: File, to: File)

  /** With its parents; does nothing when it exists. */
  fun makeDirectory(directory: File)
}

/** java.nio.file is of API 26. */
fun diskCalls(): DiskCalls = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.O) NioDiskCalls else SystemDiskCalls

@RequiresApi(Build.VERSION_CODES.O)
internal object NioDiskCalls : DiskCalls {
  override fun stat(file: File): FileStat? = try {
    val found = Files.readAttributes(file.toPath(), BasicFileAttributes::class.java, LinkOption.NOFOLLOW_LINKS)
    val kind = when {
      found.isRegularFile -> FileKind.FILE
      found.isDirectory -> FileKind.DIRECTORY
      else -> FileKind.OTHER
    }
    FileStat(kind, found.size())
  } catch (_: NoSuchFileException) {
    null
  } catch (error: IOException) {
    // A file where a folder of the path would be has no exception of its own.
    if (isBelowAFile(file)) null else throw error
  }

  override fun syncDirectory(directory: File) = try {
    FileChannel.open(directory.toPath(), StandardOpenOption.READ).use { it.force(true) }
  } catch (_: IOException) {
    // That a directory can be opened as a channel is promised nowhere.
    SystemDiskCalls.syncDirectory(directory)
  }

  override fun rename(from: File, to: File) {
    Files.move(from.toPath(), to.toPath(), StandardCopyOption.ATOMIC_MOVE)
  }

  override fun makeDirectory(directory: File) {
    Files.createDirectories(directory.toPath())
  }
}

internal object SystemDiskCalls : DiskCalls {
  override fun stat(file: File): FileStat? {
    val found = try {
      Os.lstat(file.path)
    } catch (error: ErrnoException) {
      if (error.errno == OsConstants.ENOENT || error.errno == OsConstants.ENOTDIR) return null
      throw IOException(error.message, error)
    }
    val kind = when {
      OsConstants.S_ISREG(found.st_mode) -> FileKind.FILE
      OsConstants.S_ISDIR(found.st_mode) -> FileKind.DIRECTORY
      else -> FileKind.OTHER
    }
    return FileStat(kind, found.st_size)
  }

  override fun syncDirectory(directory: File) = asIo {
    val descriptor = Os.open(directory.path, OsConstants.O_RDONLY, 0)
    try {
      Os.fsync(descriptor)
    } finally {
      Os.close(descriptor)
    }
  }

  override fun rename(from: File, to: File) = asIo { Os.rename(from.path, to.path) }

  override fun makeDirectory(directory: File) {
    if (directory.isDirectory) return
    directory.parentFile?.let(::makeDirectory)
    asIo {
      try {
        Os.mkdir(directory.path, OsConstants.S_IRWXU)
      } catch (error: ErrnoException) {
        // Another thread may have made it in between.
        if (error.errno != OsConstants.EEXIST) throw error
      }
    }
  }

  private fun asIo(work: () -> Unit) = try {
    work()
  } catch (error: ErrnoException) {
    throw IOException(error.message, error)
  }
}

private fun isBelowAFile(file: File): Boolean = generateSequence(file.parentFile) { it.parentFile }.any { it.isFile }

private val FULL = listOf("ENOSPC", "EDQUOT", "No space left on device", "Disk quota exceeded")

/** The number is there only where Android itself threw it; the words are what is left of it elsewhere. */
internal fun isDiskFull(error: Throwable): Boolean = generateSequence(error) { it.cause }.take(MAX_CAUSES).any { each ->
  if (each is ErrnoException) each.errno == OsConstants.ENOSPC || each.errno == OsConstants.EDQUOT
  else FULL.any { each.message?.contains(it) == true }
}

private const val MAX_CAUSES = 10
