package dev.hotpatch.bench

import dev.hotpatch.android.AndroidCrypto
import dev.hotpatch.android.AndroidFiles
import dev.hotpatch.android.NioDiskCalls
import dev.hotpatch.engine.engine.createEngine
import dev.hotpatch.engine.ground.BackgroundPort
import dev.hotpatch.engine.ground.ClockPort
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.recovery.Launch
import java.io.File

private const val NANOS_IN_A_MS = 1_000_000

/**
 * `npm run bench -- launch-kotlin` calls it: what the choice at start takes of the release in a folder, and what reading
 * the files that it goes by does, in turns. The first start is the first thing that the process does.
 * Arguments: the folder, those files, where to write the nanoseconds, how many starts count, and how many before do not.
 */
fun main(arguments: Array<String>) {
  val (folder, metadata, times) = arguments
  val (counted, before) = arguments.drop(3).map(String::toInt)
  val root = File(folder)
  val files = metadata.split(',').map { File(root, it) }
  val first = timeStart(root)
  repeat(before) {
    timeStart(root)
    timeRead(files)
  }
  val both = List(counted) { timeStart(root) to timeRead(files) }
  File(times).writeText("""{"first":$first,"starts":${both.map { it.first }},"reads":${both.map { it.second }}}""")
}

private fun timeStart(root: File): Long {
  val engine = createEngine(portsOver(root))
  val startedAt = System.nanoTime()
  val launched = engine.start()
  val took = System.nanoTime() - startedAt
  // Else the next one would take it for a start that ended badly.
  check(engine.confirm() && launched is Launch.Release) { "expected the release, found what the binary shipped with" }
  return took
}

private fun timeRead(files: List<File>): Long {
  val startedAt = System.nanoTime()
  for (file in files) file.readBytes()
  return System.nanoTime() - startedAt
}

/** As on a phone of Android 8 or later, but for the system's clock. */
private fun portsOver(root: File): Ports = Ports(
  files = AndroidFiles(root, NioDiskCalls),
  http = NoNetwork,
  crypto = AndroidCrypto,
  clock = PlainClock,
  host = PlainHost,
  background = BackgroundPort { work -> work() },
)

private object NoNetwork : HttpPort {
  override fun open(request: HttpRequest): HttpExchange = error("nothing is to be asked for, found ${request.url}")
}

private object PlainClock : ClockPort {
  override fun now(): Long = System.currentTimeMillis()

  override fun elapsed(): Long = System.nanoTime() / NANOS_IN_A_MS

  override fun sleep(ms: Long) = Thread.sleep(ms)

  override fun random(): Double = Math.random()
}

private object PlainHost : HostPort {
  override val nativeVersion = "1.0"
  override val platform = "android"
}
