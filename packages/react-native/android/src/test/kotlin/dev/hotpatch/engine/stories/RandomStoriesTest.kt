package dev.hotpatch.engine.stories

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.memory.Survival
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.testing.at
import dev.hotpatch.testing.readVectors
import java.util.Random
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** Whatever happens, what starts is whole and verified, and neither the high-water mark nor the floor ever falls. */
class RandomStoriesTest {
  @Test
  fun `of archives`() = everySeed("archives.json")

  @Test
  fun `of patches`() = everySeed("patches.json")

  private fun everySeed(name: String) {
    val file = readVectors("engine/stories/$name")
    for (seed in 1L..STORIES) {
      try {
        RandomStory(file, Random(seed)).live()
      } catch (error: Throwable) {
        throw AssertionError("seed $seed of $name: ${error.message}", error)
      }
    }
  }

  private companion object {
    val STORIES = if (System.getProperty("hotpatch.long") == "true") 5_000L else 200L
  }
}

private class RandomStory(file: JsonObject, private val random: Random) {
  private val story = StoryLife(file)
  private val life get() = story.life
  private val targets = (file.at("targets") as JsonObject).fields.keys.toList() + null
  private var survival: Survival = Survival.Worst
  private var floor = 0L
  private var builds = 0
  private val failed = HashSet<String>()

  fun live() {
    boot()
    repeat(5 + random.nextInt(35)) {
      deed()
      while (life.disk.hasStopped) {
        life.cutPower(survival)
        boot()
      }
    }
    settle()
  }

  /** Calm again, a good release arrives on any device that has not seen it fail, nor taken what came after it. */
  private fun settle() {
    story.server.isUp = true
    life.disk.arrange()
    boot()
    if (LAST in story.failedReleaseIds || life.running().status().highWater > LAST_SEQUENCE) return
    life.running().confirm()
    story.server.target = "bad"
    life.running().sync()
    assertEquals("1.2.0", story.bootAnyhow())
  }

  private fun deed() {
    val engine = life.running()
    when (random.nextInt(12)) {
      0, 1 -> boot()
      2, 3 -> engine.sync()
      4 -> engine.confirm()
      5 -> engine.crashed()
      6 -> if (random.nextInt(4) == 0) replaceBinary()
      7, 8 -> story.server.target = targets[random.nextInt(targets.size)]
      9 -> story.server.isUp = random.nextBoolean()
      10 -> {
        survival = listOf(Survival.Worst, Survival.Best, Survival.Some(random))[random.nextInt(3)]
        life.disk.arrange(stopAt = 1 + random.nextInt(40))
      }
      11 -> life.disk.arrange(fullAt = 1 + random.nextInt(30))
    }
  }

  private fun replaceBinary() {
    builds += 1
    life.changeHost(jsonOf("nativeBuild" to "$builds"))
    boot()
  }

  private fun boot() {
    val runs = story.bootAnyhow()
    if (life.disk.hasStopped) return
    val status = life.running().status()
    assertTrue("the floor never falls", status.floor >= floor)
    floor = status.floor
    failed += status.failedReleaseIds
    assertTrue("what failed is not started", "release-$runs" !in failed)
  }

  private companion object {
    const val LAST = "release-1.2.0"
    const val LAST_SEQUENCE = 12
  }
}
