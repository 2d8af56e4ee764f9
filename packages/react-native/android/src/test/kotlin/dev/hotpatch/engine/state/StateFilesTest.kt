package dev.hotpatch.engine.state

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.readReports
import dev.hotpatch.engine.ground.writeReports
import dev.hotpatch.engine.memory.MemoryFiles
import dev.hotpatch.engine.scenarios.assertSame
import dev.hotpatch.engine.scenarios.plain
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.utf8FromText
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import java.util.Base64
import org.junit.Test

/** What is made of the engine's own files, damaged, older and newer ones: vectors/engine/state-files.json. */
class StateFilesTest {
  private val vectors = readVectors("engine/state-files.json")

  @Test
  fun `the state`() = everyFile("metadata") { disk -> readJsonFile(disk, PATH, ::readStoredState)?.let(::writeStoredState) }

  @Test
  fun `what is counted of starts`() = everyFile("crashCount", CRASH_COUNT) { disk ->
    readStartCount(disk)?.let {
      jsonOf(
        "releaseId" to it.releaseId,
        "standing" to it.standing.text,
        "starts" to it.starts,
        "hasCrashed" to it.hasCrashed,
        "isReady" to it.isReady,
      )
    }
  }

  @Test
  fun `reports that wait`() = everyFile("reports") { disk ->
    readJsonFile(disk, PATH) { readReports(it, "") }?.let(::writeReports)
  }

  @Test
  fun `which files may lie in a folder`() = everyFile("markers", "ota/bundle/$MARKER") { disk ->
    readTree(disk, "ota/bundle")?.let { jsonOf("sha256" to it.sha256, "files" to writeReleaseFiles(it.files)) }
  }

  private fun everyFile(name: String, path: String = PATH, read: (MemoryFiles) -> JsonValue?) =
    vectors.forEachCase(name) { case ->
      val disk = MemoryFiles()
      disk.makeDirectory("ota/bundle")
      disk.write(path, bytesOf(case))
      assertSame("", plain(case.at("reads")), read(disk)?.let(::plain))
    }

  private fun bytesOf(case: JsonValue): ByteArray {
    val base64 = case.find("base64") ?: return utf8FromText(case.text("text"))
    return Base64.getDecoder().decode(base64.text)
  }

  private companion object {
    const val PATH = "ota/any.json"
  }
}
