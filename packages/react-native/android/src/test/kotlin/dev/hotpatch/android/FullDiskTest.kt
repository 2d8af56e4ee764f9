package dev.hotpatch.android

import dev.hotpatch.engine.ground.DiskFullException
import java.io.File
import org.junit.Assert.assertThrows
import org.junit.Assume.assumeTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config

/** Of Linux, as Android is: what is written there finds the disk full. */
private val FULL = File("/dev/full")

@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class FullDiskTest {
  @Test
  fun `what the system itself says of a full disk is understood`() {
    assumeTrue(FULL.exists())
    assertThrows(DiskFullException::class.java) { AndroidFiles(File("/dev")).write("full", byteArrayOf(1)) }
  }
}
