package dev.hotpatch.engine.testing

import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.FilesPort
import java.io.IOException
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** What the engine relies on: the same of the disk in memory, on which its tests cut the power, and of a real one. */
abstract class FilesPortConformance {
  abstract val files: FilesPort

  private fun write(path: String, text: String) = files.write(path, text.encodeToByteArray())

  private fun text(path: String): String? = files.read(path)?.decodeToString()

  @Test
  fun `what was written is read, and replaced`() {
    write("a", "first")
    write("a", "2nd")
    assertEquals("2nd", text("a"))
  }

  @Test
  fun `what is not there is null, and what is below a file is not there`() {
    assertNull(files.read("a"))
    assertNull(files.stat("a/b"))
    write("file", "x")
    assertNull(files.stat("file/b"))
    assertNull(files.read("file/b"))
  }

  @Test
  fun `a file in a directory that is not there cannot be written`() {
    assertThrows(IOException::class.java) { write("nowhere/a", "x") }
  }

  @Test
  fun `a directory is made with its parents, and again`() {
    files.makeDirectory("a/b/c")
    files.makeDirectory("a/b/c")
    assertEquals(FileKind.DIRECTORY, files.stat("a/b")?.kind)
    write("a/b/c/d", "x")
    assertEquals("x", text("a/b/c/d"))
  }

  @Test
  fun `a range ends with its file`() {
    write("a", "0123456789")
    assertEquals("345", files.readRange("a", 3, 3).decodeToString())
    assertEquals("89", files.readRange("a", 8, 100).decodeToString())
    assertEquals("", files.readRange("a", 10, 5).decodeToString())
    assertEquals("", files.readRange("a", 50, 5).decodeToString())
    assertThrows(IOException::class.java) { files.readRange("b", 0, 1) }
  }

  @Test
  fun `what is appended cuts off what lay beyond`() {
    files.append("a", 0, "0123456789".encodeToByteArray())
    files.append("a", 4, "xy".encodeToByteArray())
    assertEquals("0123xy", text("a"))
    files.append("a", 6, "!".encodeToByteArray())
    assertEquals("0123xy!", text("a"))
    files.append("a", 2, ByteArray(0))
    assertEquals("01", text("a"))
  }

  @Test
  fun `a gap that is left before what is appended is zeros`() {
    files.append("a", 2, byteArrayOf(7))
    assertArrayEquals(byteArrayOf(0, 0, 7), files.read("a"))
  }

  @Test
  fun `sizes and kinds are told`() {
    write("a", "12345")
    assertEquals(FileKind.FILE, files.stat("a")?.kind)
    assertEquals(5L, files.stat("a")?.sizeBytes)
    assertEquals(FileKind.DIRECTORY, files.stat("")?.kind)
  }

  @Test
  fun `syncing takes what is there only`() {
    write("a", "x")
    files.sync("a")
    files.syncDirectory("")
    assertThrows(IOException::class.java) { files.sync("b") }
    assertNull(files.stat("b"))
    assertThrows(IOException::class.java) { files.syncDirectory("c") }
  }

  @Test
  fun `a rename replaces a file`() {
    write("a", "new")
    write("b", "old")
    files.rename("a", "b")
    assertEquals("new", text("b"))
    assertNull(files.stat("a"))
    assertThrows(IOException::class.java) { files.rename("a", "c") }
  }

  @Test
  fun `a rename moves a directory with all that is in it`() {
    files.makeDirectory("a/b")
    write("a/b/c", "x")
    files.rename("a", "d")
    assertEquals("x", text("d/b/c"))
    assertNull(files.stat("a"))
  }

  @Test
  fun `a directory with something in it is replaced by none`() {
    files.makeDirectory("a")
    files.makeDirectory("b")
    write("b/c", "x")
    assertThrows(IOException::class.java) { files.rename("a", "b") }
    assertEquals("x", text("b/c"))
  }

  @Test
  fun `what is removed is gone with all that is in it`() {
    files.makeDirectory("a/b")
    write("a/b/c", "x")
    write("a/d", "x")
    files.remove("a")
    assertNull(files.stat("a"))
    files.remove("a")
  }

  @Test
  fun `names that people use are kept as they are`() {
    files.makeDirectory("Ünïcode 漢字")
    write("Ünïcode 漢字/a b.js", "x")
    assertEquals("x", text("Ünïcode 漢字/a b.js"))
    assertTrue(files.locate("Ünïcode 漢字/a b.js").endsWith("Ünïcode 漢字/a b.js"))
  }
}
