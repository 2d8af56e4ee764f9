package dev.hotpatch.protocol

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class Utf8Test {
  @Test
  fun `every character, there and back`() {
    val text = StringBuilder()
    for (point in 0..0x10ffff) if (point !in 0xd800..0xdfff) text.appendCodePoint(point)
    val bytes = utf8FromText(text.toString())
    assertArrayEquals(text.toString().toByteArray(), bytes)
    assertEquals(text.toString(), textFromUtf8(bytes))
  }

  @Test
  fun `half a character is written as a replacement`() {
    assertArrayEquals("a\ufffdb\ufffd".toByteArray(), utf8FromText("a\ud800b\udc00"))
    assertEquals(8, utf8Length("a\ud800b\udc00"))
    assertFalse(isWellFormed("a\ud800"))
    assertFalse(isWellFormed("\udc00\ud800"))
    assertTrue(isWellFormed("😀"))
  }

  @Test
  fun `what is no UTF-8 is nothing`() {
    val refused = listOf("80", "c0af", "c180", "e08080", "e09fbf", "eda080", "edbfbf", "f08080af", "f48f", "f4908080", "f5808080", "ff", "c3", "e282", "c328", "e28228")
    for (hex in refused) assertNull(hex, textFromUtf8(bytesFromHex(hex)!!))
    assertEquals("b", textFromUtf8("abc".toByteArray(), 1, 1))
  }
}
