package dev.hotpatch.engine.recovery

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.orJsonNull
import dev.hotpatch.engine.ground.readBinary
import dev.hotpatch.engine.scenarios.assertSame
import dev.hotpatch.engine.scenarios.plain
import dev.hotpatch.engine.state.Slot
import dev.hotpatch.engine.state.StartCount
import dev.hotpatch.engine.state.Standing
import dev.hotpatch.engine.state.StoredState
import dev.hotpatch.engine.state.readInstalledRelease
import dev.hotpatch.engine.state.readStoredState
import dev.hotpatch.engine.state.writeStoredState
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Test

/** Engine §3, by vectors/engine/launch.json. */
class ChooseLaunchTest {
  @Test
  fun `the choice at start is the same in every language`() {
    readVectors("engine/launch.json").forEachCase("cases") { case ->
      val facts = LaunchFacts(
        state = stateOf(case.at("state") as JsonObject),
        slots = slotsOf(case.at("slots")),
        count = case.find("count")?.let(::countOf),
        binary = readBinary(case.at("binary"), ""),
        startsOnProbation = 2,
        badStartsInARow = 3,
      )
      assertSame("", plain(case.at("step")), plain(describe(chooseLaunch(facts))))
    }
  }

  /** What the case does not say is as in the beginning. */
  private fun stateOf(said: JsonObject): StoredState {
    val fresh = writeStoredState(StoredState(readBinary(said.at("binary"), "")))
    return readStoredState(JsonObject(fresh.fields + said.fields))
  }

  private fun slotsOf(said: JsonValue) = listOf(
    "bundle" to Slot.BUNDLE,
    "previous" to Slot.PREVIOUS,
    "pending" to Slot.PENDING_FILES,
  ).mapNotNull { (name, slot) -> said.find(name)?.let { slot to readInstalledRelease(it) } }.toMap()

  private fun countOf(said: JsonValue) = StartCount(
    releaseId = said.text("releaseId"),
    standing = Standing.entries.first { it.text == said.text("standing") },
    starts = said.long("starts"),
    hasCrashed = said.boolean("hasCrashed"),
    isReady = said.boolean("isReady"),
  )

  /** By the words of ota/metadata.json. */
  private fun describe(step: LaunchStep): JsonObject {
    val none = StoredState(readBinary(jsonOf("nativeVersion" to "1"), ""))
    return when (step) {
      is LaunchStep.ForgetStaged -> jsonOf("kind" to "forget-staged")
      is LaunchStep.Switch ->
        jsonOf("kind" to "move", "move" to writeStoredState(none.copy(move = step.move)).at("move"))
      is LaunchStep.Launch -> {
        val active = writeStoredState(none.copy(active = step.active)).at("active")
        jsonOf("kind" to "launch", "release" to active.takeUnless { it is JsonNull }.orJsonNull())
      }
    }
  }
}
