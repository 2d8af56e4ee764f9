package dev.hotpatch.protocol

import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import java.util.Base64
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Test

/** Engine §10: what JSON is, and how it is written. */
class JsonVectorsTest {
  private val vectors = readVectors("json.json")

  @Test
  fun `what is JSON is read, and written as it has to be`() = vectors.forEachCase("read") { case ->
    assertEquals(case.text("written"), writeJson(readJson(case.text("text"))))
  }

  @Test
  fun `what is none is refused`() = vectors.forEachCase("refused") { case ->
    assertThrows(UnexpectedJsonException::class.java) { readJson(case.text("text")) }
  }

  @Test
  fun `what is not even text is refused before`() = vectors.forEachCase("notUtf8") { case ->
    assertNull(textFromUtf8(Base64.getDecoder().decode(case.text("base64"))))
  }

  @Test
  fun `what nests deep ends no process`() = vectors.forEachCase("deep") { case ->
    val times = case.long("times").toInt()
    val text = case.text("open").repeat(times) + "1" + case.text("close").repeat(times)
    try {
      readJson(text)
      check(case.text("close").isNotEmpty()) { "expected that what never ends is refused, found that it was read" }
    } catch (refused: UnexpectedJsonException) {
      // A reader may have its bound.
      assertEquals("", refused.pointer)
    }
  }
}
