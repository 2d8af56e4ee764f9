package dev.hotpatch.reactnative

import dev.hotpatch.engine.ground.ClockPort
import dev.hotpatch.engine.ground.EngineEvent
import dev.hotpatch.engine.ground.UpdateState
import org.junit.Assert.assertEquals
import org.junit.Test

class EventSenderTest {
  private var now = 1_000L
  private val clock = object : ClockPort {
    override fun now() = now

    override fun elapsed() = now

    override fun sleep(ms: Long) = Unit

    override fun random() = 0.0
  }
  private val sent = mutableListOf<String>()
  private val sender = EventSender(clock) { sent += it }

  private fun progress(received: Long) = sender.hear(EngineEvent.Progress(received, 100, "r"))

  private fun state(state: UpdateState) = sender.hear(EngineEvent.State(state, "r"))

  private fun received() = sent.mapNotNull { Regex("\"receivedBytes\":(\\d+)").find(it)?.groupValues?.get(1)?.toInt() }

  @Test
  fun `nothing is sent to nobody`() {
    progress(1)
    state(UpdateState.IDLE)
    sender.addListener()
    sender.removeListeners(5)
    progress(2)
    assertEquals(emptyList<String>(), sent)
  }

  @Test
  fun `of progress ten in a second, and the last of it`() {
    sender.addListener()
    for (bytes in 1L..50) {
      progress(bytes)
      now += 10
    }
    assertEquals(listOf(1, 11, 21, 31, 41), received())
    state(UpdateState.VERIFYING)
    assertEquals(listOf(1, 11, 21, 31, 41, 50), received())
    assertEquals("""{"type":"state","state":"verifying","releaseId":"r"}""", sent.last())
  }

  @Test
  fun `what was sent last is not sent again`() {
    sender.addListener()
    progress(1)
    state(UpdateState.VERIFYING)
    assertEquals(listOf(1), received())
  }
}
