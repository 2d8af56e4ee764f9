package dev.hotpatch.engine.stories

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.memory.NEVER
import dev.hotpatch.engine.memory.Survival
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.texts
import dev.hotpatch.testing.vectorFolder
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.junit.runners.Parameterized

/** Engine §6: the power goes at every single change of the disk, in each of vectors/engine/stories. */
@RunWith(Parameterized::class)
class CrashMatrixTest(@Suppress("UNUSED_PARAMETER") name: String, private val file: JsonObject) {
  private val told = file.texts("told")
  private val twoGoals get() = StoryLife(file).goals.take(2)

  private fun disturbed(stopAt: Int, cuts: List<Cut>, startsOnProbation: Int = 2): StoryLife {
    val story = StoryLife(file, cuts, startsOnProbation)
    story.life.disk.arrange(stopAt = stopAt)
    return story.pursueAll()
  }

  @Test
  fun `undisturbed it tells everything once, by as many changes of the disk as in every language`() {
    val story = StoryLife(file).pursueAll()
    assertEquals(told, story.server.told())
    assertEquals(changesOf(file), story.life.disk.log.size)
  }

  @Test
  fun `the power goes at every change of the disk`() {
    for (survival in SURVIVALS) {
      for (stopAt in 1..changesOf(file)) {
        val story = disturbed(stopAt, listOf(Cut(survival)))
        assertEquals("stopped at $stopAt", 1, story.cutCount)
        assertEquals("stopped at $stopAt", told, story.server.told())
      }
    }
  }

  @Test
  fun `and again while the device recovers`() {
    for (later in LATER) {
      val again = if (later % 2 == 1) Survival.Worst else Survival.Best
      for (stopAt in (1..changesOf(file)).filter { it % STRIDE == later % STRIDE }) {
        for (survival in SURVIVALS) {
          // Two cuts between a start and its confirmation are two starts without one: one more must be allowed here.
          val story = disturbed(stopAt, listOf(Cut(survival, againAt = later), Cut(again)), startsOnProbation = 3)
          assertEquals("stopped at $stopAt, then $later later", told, story.server.told())
        }
      }
    }
  }

  @Test
  fun `a confirmed release crashes, and the power goes at every change from then on`() {
    val crashing = Goal(target = null, crashes = true) { _, runs -> runs == "1.0.0" }
    fun crashLate(stopAt: Int, survival: Survival): StoryLife {
      val story = StoryLife(file, startsOnProbation = 2)
      story.pursueAll(twoGoals)
      story.addCut(Cut(survival))
      story.life.disk.arrange(stopAt = stopAt)
      return story.pursueAll(listOf(crashing))
    }
    for (survival in SURVIVALS) {
      val undisturbed = crashLate(NEVER, survival)
      val expected = undisturbed.server.told()
      assertTrue("release-1.1.0 rolled-back crashed-after-confirm" in expected)
      for (stopAt in 1..undisturbed.life.disk.log.size) {
        val story = crashLate(stopAt, survival)
        assertEquals("stopped at $stopAt", 1, story.cutCount)
        assertEquals("stopped at $stopAt", expected, story.server.told())
      }
    }
  }

  @Test
  fun `the power goes while the app binary is another build`() {
    for (survival in SURVIVALS) {
      var stopAt = 0
      do {
        stopAt += 1
        val story = StoryLife(file).pursueAll(twoGoals)
        story.life.changeHost(jsonOf("nativeBuild" to "8"))
        story.life.disk.arrange(stopAt = stopAt)
        assertEquals("embedded", story.bootAnyhow())
        val isOver = !story.life.disk.hasStopped
        if (isOver) story.life.disk.arrange() else story.life.cutPower(survival)
        assertEquals("stopped at $stopAt", "embedded", story.bootAnyhow())
        story.life.running().flushReports()
        assertEquals(1, story.server.told().count { it == "embedded applied" })
        for (slot in listOf("bundle", "previous", "pending/files")) assertNull(slot, story.life.disk.tree("ota/$slot"))
        story.server.target = "second"
        story.life.running().sync()
        assertEquals("1.1.0", story.bootAnyhow())
      } while (!isOver)
      assertTrue("there are places to stop at", stopAt > 10)
    }
  }

  @Test
  fun `the power goes while a staged update is replaced`() {
    for (survival in SURVIVALS) {
      var stopAt = 0
      do {
        stopAt += 1
        val story = StoryLife(file)
        story.server.target = "first"
        story.bootAnyhow()
        story.life.running().sync()
        story.server.target = "second"
        story.life.disk.arrange(stopAt = stopAt)
        story.life.running().sync()
        val isOver = !story.life.disk.hasStopped
        story.life.cutPower(survival)
        story.bootAnyhow()
        story.life.running().sync()
        assertEquals("stopped at $stopAt", "1.1.0", story.bootAnyhow())
        story.life.running().flushReports()
        // Nothing is called damaged that is not.
        assertEquals("stopped at $stopAt", emptyList<String>(), story.server.told().filter { " failed" in it })
      } while (!isOver)
      assertTrue("there are places to stop at", stopAt > 40)
    }
  }

  @Test
  fun `the power goes while a release is moved into place, and takes some of it`() {
    var tried = 0
    for (stopAt in 1 until 30) {
      val story = StoryLife(file)
      story.pursue(story.goals[0])
      story.server.target = "second"
      story.life.running().sync()
      story.life.disk.arrange(stopAt = stopAt)
      story.life.boot()
      story.life.cutPower(Survival.Best)
      if (story.life.disk.stat("ota/pending/files") == null) break
      story.life.disk.write("ota/pending/files/index.bundle", ByteArray(7))
      assertEquals("stopped at $stopAt", "1.0.0", story.bootAnyhow())
      tried += 1
    }
    assertTrue("there are places to stop at", tried > 5)
  }

  @Test
  fun `the disk is full from every change on`() {
    val needed = StoryLife(file).pursueAll(twoGoals).life.disk.log.size
    for (fullAt in 1..needed) {
      val story = StoryLife(file)
      story.life.disk.arrange(fullAt = fullAt)
      for (goal in twoGoals) {
        story.server.target = goal.target
        repeat(3) { story.session(Goal(goal.target) { _, _ -> false }) }
      }
      story.life.disk.arrange()
      story.pursueAll(twoGoals)
    }
  }

  companion object {
    private val SURVIVALS = listOf(Survival.Worst, Survival.Best)

    /** JAVA_TOOL_OPTIONS=-Dhotpatch.long=true stops at more places. */
    private val isLong = System.getProperty("hotpatch.long") == "true"
    private val LATER = listOf(1, 2, 3, 5, 8, 13, 21)
    private val STRIDE = if (isLong) 1 else 11

    @JvmStatic
    @Parameterized.Parameters(name = "{0}")
    fun stories(): List<Array<Any>> {
      val names = vectorFolder("engine/stories")
      assertTrue("there are stories", names.isNotEmpty())
      return names.map { arrayOf(it, readVectors("engine/stories/$it")) }
    }
  }
}
