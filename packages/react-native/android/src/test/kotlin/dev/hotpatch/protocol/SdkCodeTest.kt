package dev.hotpatch.protocol

import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.items
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Test

class SdkCodeTest {
  @Test
  fun `the same list in every SDK`() {
    val expected = readVectors("problems/sdk-codes.json").items("codes").map {
      Triple(it.text("code"), it.boolean("isRetryable"), it.boolean("blamesRelease"))
    }
    assertEquals(expected, SdkCode.entries.map { Triple(it.text, it.isRetryable, it.blamesRelease) })
  }
}
