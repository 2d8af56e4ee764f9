package dev.hotpatch.protocol

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class HexTest {
  @Test
  fun `bytes and back`() {
    val bytes = byteArrayOf(0, 1, 127, -128, -1)
    assertEquals("00017f80ff", hexFromBytes(bytes))
    assertArrayEquals(bytes, bytesFromHex("00017f80ff"))
  }

  @Test
  fun `only lower case and whole bytes`() {
    for (text in listOf("0", "AA", "0g", "+1", " 1")) assertNull(text, bytesFromHex(text))
  }
}
