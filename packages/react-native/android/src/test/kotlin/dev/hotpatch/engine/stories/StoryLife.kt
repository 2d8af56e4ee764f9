package dev.hotpatch.engine.stories

import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.memory.NEVER
import dev.hotpatch.engine.memory.Survival
import dev.hotpatch.engine.scenarios.Bodies
import dev.hotpatch.engine.scenarios.Life
import dev.hotpatch.engine.scenarios.expectWhole
import dev.hotpatch.engine.scenarios.mergedDevice
import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.items
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import org.junit.Assert.assertTrue
import org.junit.Assert.fail

/** What the disk keeps when the power goes, and at which change it goes once more afterwards. */
class Cut(val survival: Survival, val againAt: Int = NEVER)

/** `runs`: a version, or "embedded". */
class Goal(val target: String?, val crashes: Boolean = false, val isReached: (life: StoryLife, runs: String) -> Boolean)

private const val MAX_SESSIONS = 12

/** vectors/README.md, "Stories": a device that pursues goals, whatever happens to its power. */
class StoryLife(private val file: JsonObject, cuts: List<Cut> = emptyList(), startsOnProbation: Int = 2) {
  private val bodies = Bodies(file)
  private val cuts = ArrayDeque(cuts)
  private val device =
    mergedDevice(file.at("device") as JsonObject, jsonOf("limits" to jsonOf("startsOnProbation" to startsOnProbation)))
  val server: StoryServer = StoryServer(file, bodies) { life.disk.hasStopped }
  val life: Life = Life(device, bodies) { server }
  val goals = file.items("goals").map(::goalOf)

  var cutCount = 0
    private set
  private var highWater = 0L

  val failedReleaseIds: List<String> get() = life.running().status().failedReleaseIds
  val standing: String? get() = life.running().status().standing?.text

  fun pursueAll(pursued: List<Goal> = goals): StoryLife {
    pursued.forEach(::pursue)
    life.running().flushReports()
    return this
  }

  fun pursue(goal: Goal) {
    server.target = goal.target
    repeat(MAX_SESSIONS) { if (session(goal)) return }
    fail("the goal was not reached: ${life.status()?.fields}")
  }

  /** One process: start, confirm what deserves it, and go on with the update. True once the goal is reached. */
  fun session(goal: Goal): Boolean {
    val runs = boot() ?: return false
    val engine = life.running()
    if (goal.crashes && !goal.isReached(this, runs)) {
      engine.crashed()
      isCutShort()
      return false
    }
    if (runs in file.texts("confirms")) engine.confirm()
    engine.flushReports()
    if (isCutShort()) return false
    if (goal.isReached(this, runs)) return true
    engine.sync()
    isCutShort()
    return false
  }

  /** What is launched is whole. Null when the power went. */
  fun boot(): String? {
    val launch = life.boot()
    if (isCutShort()) return null
    expectWhole(life, launch, file, bodies)
    val status = life.running().status()
    assertTrue("the high-water mark never falls", status.highWater >= highWater)
    highWater = status.highWater
    return runs(launch)
  }

  /** Of a disk that may have lost its power just now: what started is whole all the same. */
  fun bootAnyhow(): String = life.boot().also { expectWhole(life, it, file, bodies) }.let(::runs)

  private fun runs(launch: JsonValue): String = launch.find("version")?.text ?: "embedded"

  private fun isCutShort(): Boolean {
    if (!life.disk.hasStopped) return false
    val cut = cuts.removeFirstOrNull() ?: Cut(Survival.Worst)
    life.cutPower(cut.survival, cut.againAt)
    cutCount += 1
    return true
  }

  fun addCut(cut: Cut) = cuts.add(cut)
}

private fun goalOf(json: JsonValue): Goal {
  val wanted = json.at("isReached")
  return Goal(json.text("target")) { life, runs ->
    val standing = wanted.find("standing")?.text
    val hasFailed = (wanted.find("hasFailed") as JsonBoolean?)?.value ?: false
    runs == wanted.text("runs") &&
      (standing == null || standing == life.standing) &&
      (!hasFailed || life.failedReleaseIds.isNotEmpty())
  }
}

fun changesOf(file: JsonObject): Int = file.long("changes").toInt()
