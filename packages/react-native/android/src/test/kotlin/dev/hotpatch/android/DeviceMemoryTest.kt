package dev.hotpatch.android

import dev.hotpatch.engine.ground.FilesPort
import java.io.File
import java.io.IOException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertThrows
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

class DeviceMemoryTest {
  @get:Rule val folder = TemporaryFolder()

  private val files: FilesPort by lazy { AndroidFiles(folder.root, NioDiskCalls) }

  private fun memory(files: FilesPort = this.files) = DeviceMemory(files, AndroidCrypto)

  @Test
  fun `a device has the same id at every start`() {
    val id = memory().deviceId
    assertEquals(id, memory().deviceId)
  }

  @Test
  fun `an id that is none any more is made anew`() {
    val id = memory().deviceId
    for (damaged in listOf("", "{", """{"deviceId":"../x"}""", """{"deviceId":7}""")) {
      File(folder.root, "device/identity.json").writeText(damaged)
      assertNotEquals(id, memory().deviceId)
    }
  }

  @Test
  fun `a channel that was chosen is remembered, and forgotten`() {
    val memory = memory()
    assertNull(memory.channel)
    memory.chooseChannel("beta")
    assertEquals("beta", memory.channel)
    assertEquals("beta", memory().channel)
    memory().chooseChannel(null)
    assertNull(memory().channel)
    memory().chooseChannel(null)
  }

  @Test
  fun `where nothing can be written there is an id for the process, and no choice`() {
    val broken = object : FilesPort by files {
      override fun makeDirectory(path: String) = throw IOException("read-only")
    }
    val memory = memory(broken)
    assertEquals(memory.deviceId, memory.deviceId)
    assertThrows(IOException::class.java) { memory.chooseChannel("beta") }
    assertNull(memory.channel)
  }
}
