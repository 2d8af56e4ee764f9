package dev.hotpatch.engine.scenarios

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.testing.items
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import dev.hotpatch.testing.vectorFolder
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** vectors/engine/scenarios: whole lives of a device, the same in every language; vectors/edge/scenarios.json: by an edge. */
@RunWith(Parameterized::class)
class ScenariosTest(
  @Suppress("UNUSED_PARAMETER") name: String,
  private val file: JsonObject,
  private val case: JsonObject,
) {
  @Test
  fun `is lived as the scenario says`() = playScenario(file, case)

  companion object {
    @JvmStatic
    @Parameterized.Parameters(name = "{0}")
    fun cases(): List<Array<Any>> {
      val names = vectorFolder("engine/scenarios")
      assertTrue("there are scenarios", names.isNotEmpty())
      return (names.map { "engine/scenarios/$it" } + "edge/scenarios.json").flatMap { name ->
        val file = readVectors(name)
        file.items("cases").map { arrayOf("$name: ${it.text("comment")}", file, it) }
      }
    }
  }
}
