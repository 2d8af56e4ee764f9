package dev.hotpatch.engine.engine

import dev.hotpatch.engine.ground.BackgroundPort
import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.memory.MemoryFiles
import dev.hotpatch.engine.memory.TestCrypto
import dev.hotpatch.engine.memory.VirtualClock
import dev.hotpatch.engine.recovery.Launch
import dev.hotpatch.engine.scenarios.Bodies
import dev.hotpatch.engine.scenarios.TestHost
import dev.hotpatch.engine.scenarios.configOf
import dev.hotpatch.engine.stories.StoryServer
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.testing.at
import dev.hotpatch.testing.readVectors
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Proxy
import java.util.concurrent.Callable
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.FutureTask
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

/** What several threads may ask at once: a phone's own thread must not wait for a download. */
class EngineThreadsTest {
  private val story = readVectors("engine/stories/archives.json")
  private val server = StoryServer(story, Bodies(story)) { false }
  private val disk = MemoryFiles()
  private val http = GatedNetwork(server)
  private val threads = Executors.newCachedThreadPool()

  @After
  fun endThreads() {
    threads.shutdownNow()
  }

  private fun newPorts(): Ports {
    val host = TestHost(story.at("device").at("host") as JsonObject) {}
    val later = BackgroundPort { work -> threads.execute(work) }
    return Ports(locked(disk), http, TestCrypto(), VirtualClock(), host, later)
  }

  private fun newEngine(ports: Ports = newPorts()): Engine = createEngine(ports, Limits())

  private fun started(): Engine = newEngine().apply {
    start()
    configure(configOf(story.at("device").at("config") as JsonObject))
  }

  private fun <T> inThread(work: () -> T): Future<T> = threads.submit(Callable(work))

  /** As above, and it cannot go on by itself. */
  private fun <T> waiting(work: () -> T): Future<T> {
    val task = FutureTask(work)
    val thread = Thread(task)
    thread.start()
    while (thread.state != Thread.State.WAITING) {
      check(thread.isAlive) { "expected that it waits, found that it ended: ${runCatching { task.get() }}" }
      Thread.yield()
    }
    return task
  }

  /** A device whose first release is on probation, and whose second one is being downloaded, and stays so. */
  private fun downloading(): Pair<Engine, Future<UpdateOutcome>> {
    server.target = "first"
    started().sync()
    val engine = started()
    server.target = "second"
    http.close()
    val syncing = inThread(engine::sync)
    http.awaitDownload()
    return engine to syncing
  }

  @Test
  fun `the end of a process is noted while a download is under way`() {
    val (engine, syncing) = downloading()
    assertTrue(engine.crashed())
    assertFalse("the download still waits", syncing.isDone)
    assertEquals("and the next start goes back", Launch.Embedded, newEngine().start())
    http.open()
  }

  @Test
  fun `so is a confirmation, and what there is to say of it`() {
    val (engine, syncing) = downloading()
    assertTrue(engine.confirm())
    assertEquals("confirmed", engine.status().standing?.text)
    assertFalse("the download still waits", syncing.isDone)
    http.open()
    assertTrue(syncing.get() is UpdateOutcome.Staged)
  }

  @Test
  fun `another configuration does not wait for what is under way, and holds afterwards`() {
    val (engine, syncing) = downloading()
    val config = configOf(story.at("device").at("config") as JsonObject)
    engine.configure(config.copy(serverUrl = "http://updates.test"))
    assertFalse("the download still waits", syncing.isDone)
    http.open()
    assertTrue(syncing.get() is UpdateOutcome.Staged)
    assertEquals(SdkCode.INSECURE_URL, (engine.check() as UpdateOutcome.Failed).code)
  }

  @Test
  fun `a second call joins the first, another one follows it`() {
    val (engine, syncing) = downloading()
    val again = waiting(engine::sync)
    val other = waiting(engine::check)
    http.open()
    assertSame("both get the same", syncing.get(), again.get())
    assertTrue(other.get() is UpdateOutcome.Available)
    assertEquals("release-1.1.0", engine.status().staged?.releaseId)
  }

  @Test
  fun `an engine whose place another one took writes nothing any more`() {
    server.target = "first"
    val ports = newPorts()
    val former = newEngine(ports).apply {
      start()
      configure(configOf(story.at("device").at("config") as JsonObject))
      sync()
    }
    val launched = newEngine(ports).start()
    assertEquals("release-1.0.0", (launched as Launch.Release).releaseId)
    val kept = disk.tree("ota")!!.mapValues { String(it.value) }
    assertFalse(former.confirm())
    assertFalse(former.crashed())
    assertFalse(former.rollBack())
    former.flushReports()
    assertTrue(former.sync() is UpdateOutcome.Failed)
    assertEquals(kept, disk.tree("ota")!!.mapValues { String(it.value) })
  }

  @Test
  fun `a listener that asks for more work is told so, and stops nothing`() {
    server.target = "first"
    val engine = started()
    var told: Throwable? = null
    engine.subscribe { told = told ?: runCatching { engine.check() }.exceptionOrNull() }
    assertTrue(engine.sync() is UpdateOutcome.Staged)
    assertTrue(told is IllegalStateException)
  }

  @Test
  fun `a start needs no configuration, an update does`() {
    val engine = newEngine()
    assertThrows(IllegalStateException::class.java) { engine.confirm() }
    assertFalse(engine.crashed())
    assertEquals(Launch.Embedded, engine.start())
    assertTrue(engine.confirm())
    assertThrows(IllegalStateException::class.java) { engine.sync() }
  }
}

/** Closed, it lets no artifact through until it is opened. */
private class GatedNetwork(private val server: HttpPort) : HttpPort {
  private val gate = CountDownLatch(1)
  private val asked = CountDownLatch(1)
  @Volatile private var isClosed = false

  fun close() {
    isClosed = true
  }

  fun open() = gate.countDown()

  fun awaitDownload() = asked.await()

  override fun open(request: HttpRequest): HttpExchange {
    val exchange = server.open(request)
    if (!isClosed || request.method != HttpMethod.GET) return exchange
    return object : HttpExchange by exchange {
      override fun response(timeoutMs: Long): HttpResponse {
        asked.countDown()
        gate.await()
        return exchange.response(timeoutMs)
      }
    }
  }
}

/** A disk that several threads may use. */
private fun locked(files: FilesPort): FilesPort =
  Proxy.newProxyInstance(FilesPort::class.java.classLoader, arrayOf(FilesPort::class.java)) { _, method, arguments ->
    synchronized(files) {
      try {
        method.invoke(files, *(arguments ?: emptyArray()))
      } catch (error: InvocationTargetException) {
        throw error.targetException
      }
    }
  } as FilesPort
