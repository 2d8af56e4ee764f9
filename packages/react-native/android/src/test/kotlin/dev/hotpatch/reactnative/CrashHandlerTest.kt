package dev.hotpatch.reactnative

import org.junit.Assert.assertEquals
import org.junit.Test

class CrashHandlerTest {
  @Test
  fun `a crash is noted, and whoever was there before hears of it, even when it could not be noted`() {
    val heard = mutableListOf<String>()
    val before = Thread.UncaughtExceptionHandler { _, error -> heard += "system: ${error.message}" }
    val thread = Thread.currentThread()
    CrashHandler(before) { heard += "noted" }.uncaughtException(thread, RuntimeException("a"))
    CrashHandler(before) { error("the disk is full") }.uncaughtException(thread, RuntimeException("b"))
    CrashHandler(null) { heard += "noted" }.uncaughtException(thread, RuntimeException("c"))
    assertEquals(listOf("noted", "system: a", "system: b", "noted"), heard)
  }
}
