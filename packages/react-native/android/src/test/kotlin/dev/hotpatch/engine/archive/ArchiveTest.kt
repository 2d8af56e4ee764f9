package dev.hotpatch.engine.archive

import dev.hotpatch.engine.ground.FileKind
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.install.Installation
import dev.hotpatch.engine.install.VerifiedDownload
import dev.hotpatch.engine.memory.MemoryFiles
import dev.hotpatch.engine.memory.Survival
import dev.hotpatch.engine.state.InstalledRelease
import dev.hotpatch.engine.state.MARKER
import dev.hotpatch.engine.state.PENDING
import dev.hotpatch.engine.state.PENDING_ZIP
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.inspectSlot
import dev.hotpatch.engine.testing.portsOver
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.testing.TestCrypto
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import java.io.ByteArrayOutputStream
import java.util.Base64
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

class ArchiveTest {
  private val release = InstalledRelease("release-1", "1.0.0", 1, "0".repeat(64))

  private fun install(zip: ByteArray, limits: Limits = Limits(), files: MemoryFiles = MemoryFiles()): MemoryFiles {
    files.makeDirectory(PENDING)
    files.write(PENDING_ZIP, zip)
    val download = VerifiedDownload(PENDING_ZIP, zip.size.toLong())
    archiveInstaller.install(Installation(portsOver(files), limits, download, release) {})
    return files
  }

  private fun zipOf(content: Map<String, ByteArray>): ByteArray {
    val bytes = ByteArrayOutputStream()
    ZipOutputStream(bytes).use { zip ->
      for ((path, file) in content) {
        zip.putNextEntry(ZipEntry(path))
        zip.write(file)
      }
    }
    return bytes.toByteArray()
  }

  private fun unpacked(files: MemoryFiles): List<String> =
    files.tree(Slot.PENDING_FILES.path)!!.filterKeys { it != MARKER }
      .map { (path, bytes) -> "$path ${bytes.size} ${TestCrypto.sha256Of(bytes)}" }.sorted()

  @Test
  fun `archives that the server judges as well`() {
    val vectors = readVectors("archives.json")
    vectors.forEachCase("cases") { case -> judge(case, limitsOf(vectors.at("limits"), case.find("limits"))) }
  }

  private fun limitsOf(all: JsonValue, own: JsonValue?): Limits {
    fun limit(name: String): Long = own?.find(name)?.let { own.long(name) } ?: all.long(name)
    return Limits(
      fileCount = limit("maxFiles").toInt(),
      unpackedBytes = limit("maxUnpackedBytes"),
      pathBytes = limit("maxPathBytes").toInt(),
    )
  }

  private fun judge(case: JsonValue, limits: Limits) {
    val zip = Base64.getDecoder().decode(case.text("zip"))
    if (case.find("files") == null) {
      assertNotNull(case.find("rule"))
      val files = MemoryFiles()
      val refusal = assertThrows(UpdateError::class.java) { install(zip, limits, files) }
      assertEquals(SdkCode.ARCHIVE_INVALID, refusal.code)
      assertNull(inspectSlot(files, portsOver(files).crypto, Slot.PENDING_FILES))
      return
    }
    val files = install(zip, limits)
    assertEquals(release, inspectSlot(files, portsOver(files).crypto, Slot.PENDING_FILES, thorough = true))
    assertEquals(case.items("files").map { "${it.text("path")} ${it.long("sizeBytes")} ${it.text("sha256")}" }.sorted(), unpacked(files))
  }

  @Test
  fun `every byte arrives, and outlives the power`() {
    val content = mapOf(
      "index.bundle" to "hello ".repeat(1000).toByteArray(),
      "assets/deep/big.bin" to ByteArray(900_000) { ((it.toLong() * it) shr 7).toByte() },
      "assets/deep/zeros.bin" to ByteArray(5_000_000),
      "assets/empty.txt" to ByteArray(0),
      "assets/Ünïcode ☃.txt" to "snow".toByteArray(),
    )
    val files = install(zipOf(content))
    // The engine's next step, the metadata, makes these durable.
    files.syncDirectory("")
    files.syncDirectory("ota")
    val survivor = files.cutPower(Survival.Worst)
    for ((path, bytes) in content) assertArrayEquals(path, bytes, survivor.read("${Slot.PENDING_FILES.path}/$path"))
    assertEquals(release, inspectSlot(survivor, portsOver(survivor).crypto, Slot.PENDING_FILES, thorough = true))
  }

  @Test
  fun `a file grows no larger than it says, however its bytes come`() {
    val zip = zipOf(mapOf("a" to ByteArray(3_000_000)))
    // In the table of contents and in the descriptor.
    for (at in listOf(zip.size - 22 - 47 + 24, zip.size - 22 - 47 - 4)) {
      for ((index, byte) in listOf(0xa0, 0x86, 0x01, 0x00).withIndex()) zip[at + index] = byte.toByte()
    }
    val files = MemoryFiles()
    val refusal = assertThrows(UpdateError::class.java) { install(zip, files = files) }
    assertEquals("the archive is refused: a is larger than it says", refusal.message)
    val written = files.stat("${Slot.PENDING_FILES.path}/a")
    assert(written == null || written.kind == FileKind.FILE && written.sizeBytes <= 100_000)
  }
}
