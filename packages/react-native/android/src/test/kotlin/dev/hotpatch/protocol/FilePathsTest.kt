package dev.hotpatch.protocol

import dev.hotpatch.testing.TestCrypto
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class FilePathsTest {
  private val vectors = readVectors("file-paths.json")

  @Test
  fun `paths of a release`() = vectors.forEachCase("paths") { case ->
    assertEquals(case.find("fault")?.text, filePathFault(case.text("path"))?.rule?.text)
  }

  @Test
  fun `paths of which only one can be`() = vectors.forEachCase("conflicts") { case ->
    for (paths in listOf(case.texts("paths"), case.texts("paths").reversed())) {
      assertEquals(case.find("conflict")?.text, findPathConflict(paths)?.kind?.text)
    }
  }

  @Test
  fun `what is found reads on`() {
    assertEquals("the name of a device on Windows", filePathFault("a/CON .txt")?.found)
    assertEquals("\"..\", which climbs out of the folder, behind invisible characters", filePathFault(".\u200b.\u200b")?.found)
    assertEquals(FilePathRule.PATH, filePathFault("a\ud800")?.rule)
    assertNull(filePathFault("abcd", 4))
    assertEquals(FilePathRule.PATH_LENGTH, filePathFault("äbcd", 4)?.rule)
  }

  @Test
  fun `trees, in whatever order files were found`() = readVectors("trees.json").forEachCase("trees") { case ->
    val files = case.items("files").map { TreeFile(it.text("path"), it.long("sizeBytes"), it.text("sha256")) }
    for (order in listOf(files, files.reversed())) {
      val text = treeLines(order).joinToString("")
      assertEquals(case.text("text"), text)
      assertEquals(case.text("sha256"), TestCrypto.sha256Of(utf8FromText(text)))
    }
  }

  @Test
  fun `the tree of nothing`() = assertEquals(EMPTY_TREE, TestCrypto.sha256Of(ByteArray(0)))
}
