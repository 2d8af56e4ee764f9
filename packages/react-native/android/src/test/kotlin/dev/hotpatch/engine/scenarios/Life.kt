package dev.hotpatch.engine.scenarios

import dev.hotpatch.engine.engine.Engine
import dev.hotpatch.engine.engine.createEngine
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.jsonFromUtf8
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.memory.MemoryFiles
import dev.hotpatch.engine.memory.NEVER
import dev.hotpatch.engine.memory.Survival
import dev.hotpatch.engine.memory.TestCrypto
import dev.hotpatch.engine.memory.TestEncryption
import dev.hotpatch.engine.memory.VirtualClock
import dev.hotpatch.engine.memory.sha256Of
import dev.hotpatch.engine.state.MARKER
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.testing.TestUnpacking
import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text

/** 2026-01-01T00:00:00.000Z */
private const val BEGINNING = 1_767_225_600_000

/** One device of a scenario: its disk outlives its processes, and everything that it cannot know is always the same. */
class Life(private val device: JsonObject, private val bodies: Bodies, networkOn: (VirtualClock) -> HttpPort) {
  private val clock = VirtualClock(BEGINNING)
  private val http = networkOn(clock)
  private val crypto = TestCrypto()
  private var host = device.at("host") as JsonObject
  private var config = device.at("config") as JsonObject
  private var embedded = device.find("embedded") as JsonObject?
  private var engine: Engine? = null

  var disk = MemoryFiles()
    private set

  /** Since they were last cleared, by `perform`. */
  private val states = ArrayList<String>()
  private val events = ArrayList<JsonValue>()
  private var restarts = 0

  /** What was seen of it, as vectors/README.md names it. */
  fun perform(step: JsonObject): MutableMap<String, Any?> {
    val (disk, changes) = disk to disk.log.size
    val log = disk.log
    states.clear()
    events.clear()
    restarts = 0
    val seen = HashMap<String, Any?>()
    act(step, seen)
    if (states.isNotEmpty()) seen["states"] = states.toList()
    if (events.isNotEmpty()) seen["events"] = events.map(::plain)
    if (restarts > 0) seen["restarts"] = restarts.toDouble()
    seen["operations"] = this.disk.log.let { if (it === log) it.drop(changes) else it.toList() }
    return seen
  }

  /** It comes back with the next process; then it goes again at `stopAt`. */
  fun cutPower(survival: Survival, stopAt: Int = NEVER) {
    disk = disk.cutPower(survival, stopAt)
  }

  /** From the next process on. */
  fun changeHost(change: JsonObject) {
    host = merged(host, change)
  }

  /** Null before the first process. */
  fun status(): JsonObject? = engine?.status()?.let(::describeStatus)

  /** Everything below ota/: the engine's own files as JSON, if they are that, all others by their digest. */
  fun files(): Map<String, Any?> = disk.tree("ota").orEmpty().entries.associate { (name, bytes) ->
    val path = "ota/$name"
    val isOwn = OWN_JSON.matches(path) || path.endsWith("/$MARKER")
    val json = if (isOwn) jsonFromUtf8(bytes) else null
    path to if (json == null) sha256Of(bytes) else mapOf("json" to plain(json))
  }

  private fun act(step: JsonObject, seen: MutableMap<String, Any?>) {
    when (val what = step.text("do")) {
      "boot" -> seen["launch"] = plain(boot(step["inBackground"] != null && step.boolean("inBackground")))
      "confirm" -> seen["result"] = running().confirm()
      "rollBack" -> seen["result"] = running().rollBack()
      "crashed" -> running().crashed()
      "flushReports" -> running().flushReports()
      "check" -> seen["outcome"] = plain(describeOutcome(running().check()))
      "download" -> seen["outcome"] = plain(describeOutcome(running().download()))
      "sync" -> seen["outcome"] = plain(describeOutcome(running().sync()))
      "wait" -> clock.sleep(step.long("ms"))
      "setClock" -> clock.set(step.long("byMs"))
      "host" -> changeHost(step.at("change") as JsonObject)
      "config" -> config = merged(config, step.at("change"))
      "embedded" -> embedded = step.find("shipped") as JsonObject?
      "write" -> write(step.text("path"), bodies.bytesOf(step.text("body")))
      "remove" -> disk.remove(step.text("path"))
      "fullDisk" -> if (step.boolean("isFull")) disk.arrange(fullAt = 1) else disk.arrange()
      "freeBytes" -> disk.setFree(step.find("bytes")?.let { step.long("bytes") })
      "powerCut" -> cutPower(if (step.text("survives") == "nothing") Survival.Worst else Survival.Best)
      else -> error("there is no step $what")
    }
  }

  fun boot(inBackground: Boolean = false): JsonObject {
    val started = createEngine(ports(), limitsOf(device["limits"] as JsonObject?))
    started.subscribe(::listen)
    engine = started
    val launched = started.start(inBackground)
    started.configure(configOf(config))
    return describeLaunch(launched)
  }

  fun running(): Engine = engine ?: error("a scenario begins with boot")

  private fun ports() = Ports(
    files = disk,
    http = http,
    crypto = crypto,
    clock = clock,
    host = TestHost(host) { restarts += 1 },
    // Nothing else is going on, so now is soon.
    background = { work -> work() },
    embeddedFiles = embedded?.let { ShippedFiles(bodies.filesOf(it)) },
    encryption = TestEncryption.takeUnless { isFalse("encryption") },
    unpackBrotli = if (isFalse("brotli")) null else TestUnpacking::unpackBrotli,
  )

  private fun isFalse(name: String): Boolean = device[name] != null && !device.boolean(name)

  private fun listen(event: EngineEvent) {
    when (event) {
      is EngineEvent.State -> states += event.state.text
      is EngineEvent.PatchFailed ->
        events += jsonOf("type" to "patch-failed", "reason" to event.reason, "releaseId" to event.releaseId)
      is EngineEvent.Downloaded -> events += jsonOf(
        "type" to "downloaded",
        "arrival" to event.arrival.text,
        "receivedBytes" to event.receivedBytes,
        "sizeBytes" to event.sizeBytes,
        "releaseId" to event.releaseId,
      )
      is EngineEvent.ReportDropped -> events += jsonOf("type" to "report-dropped", "eventId" to event.report.eventId)
      is EngineEvent.EdgeRefused -> events += jsonOf("type" to "edge-refused", "code" to event.code.text)
      is EngineEvent.Progress, is EngineEvent.Failed -> Unit
    }
  }

  /** Durably, as if it had always been there. */
  private fun write(path: String, bytes: ByteArray) {
    val names = path.split('/').dropLast(1)
    val parents = names.indices.map { names.take(it + 1).joinToString("/") }
    parents.forEach(disk::makeDirectory)
    disk.write(path, bytes)
    for (parent in listOf("") + parents) disk.syncDirectory(parent)
  }
}

private val OWN_JSON =
  Regex("ota/(?:metadata|crash_count|outbox|embedded|credential|edge|pending/download|pending/patch)\\.json")
