package dev.hotpatch.android

import android.system.ErrnoException
import android.system.OsConstants
import dev.hotpatch.engine.ground.DiskFullException
import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.testing.FilesPortConformance
import java.io.File
import java.io.IOException
import java.nio.file.Files
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowStatFs

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class AndroidFilesTest : FilesPortConformance() {
  @get:Rule val folder = TemporaryFolder()

  override val files: FilesPort by lazy { AndroidFiles(folder.root) }

  @Test
  fun `the folder is made when the first thing is written, and not before`() {
    val root = File(folder.root, "a/b")
    val fresh = AndroidFiles(root)
    assertNull(fresh.read("c"))
    assertNull(fresh.stat(""))
    assertFalse(root.exists())
    fresh.write("c", byteArrayOf(1))
    assertEquals(1L, fresh.stat("c")?.sizeBytes)
  }

  @Test
  fun `a link is seen as one, and only it is removed`() {
    val other = folder.newFolder("other")
    val kept = File(other, "kept").apply { writeText("x") }
    files.makeDirectory("a")
    Files.createSymbolicLink(File(folder.root, "a/link").toPath(), other.toPath())
    assertEquals(FileKind.OTHER, files.stat("a/link")?.kind)
    files.remove("a")
    assertNull(files.stat("a"))
    assertTrue(kept.exists())
  }

  @Test
  fun `the room of the disk is told, also before there is a folder`() {
    ShadowStatFs.registerStats(folder.root, 100, 20, 10)
    val expected = 10L * ShadowStatFs.BLOCK_SIZE
    assertEquals(expected, files.freeBytes())
    assertEquals(expected, AndroidFiles(File(folder.root, "not/yet")).freeBytes())
  }

  @Test
  fun `a full disk is told as one, by Android's number or its words`() {
    val full = object : DiskCalls by NioDiskCalls {
      override fun makeDirectory(directory: File) = throw IOException("mkdir", ErrnoException("mkdir", OsConstants.ENOSPC))

      override fun rename(from: File, to: File) = throw IOException("write failed: ENOSPC (No space left on device)")

      override fun syncDirectory(directory: File) = throw IOException("x", ErrnoException("fsync", OsConstants.EIO))
    }
    val files = AndroidFiles(folder.root, full)
    assertThrows(DiskFullException::class.java) { files.makeDirectory("a") }
    assertThrows(DiskFullException::class.java) { files.rename("a", "b") }
    val other = assertThrows(IOException::class.java) { files.syncDirectory("") }
    assertFalse(other is DiskFullException)
  }
}
