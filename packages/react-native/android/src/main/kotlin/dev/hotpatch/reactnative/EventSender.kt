package dev.hotpatch.reactnative

import dev.hotpatch.engine.ground.ClockPort
import dev.hotpatch.engine.ground.EngineEvent

/** At most ten in a second. */
private const val PROGRESS_MS = 100L

/** Sends what JavaScript wants to hear. Of progress not all of it, but the last of it always. */
internal class EventSender(private val clock: ClockPort, private val send: (String) -> Unit) {
  private var listeners = 0
  private var held: EngineEvent.Progress? = null
  private var sentAt: Long? = null

  @Synchronized
  fun addListener() {
    listeners += 1
  }

  @Synchronized
  fun removeListeners(count: Int) {
    listeners = (listeners - count).coerceAtLeast(0)
  }

  @Synchronized
  fun hear(event: EngineEvent) {
    if (listeners == 0) return
    if (event is EngineEvent.Progress) return hearProgress(event)
    held?.let { send(eventText(it)) }
    held = null
    send(eventText(event))
  }

  private fun hearProgress(event: EngineEvent.Progress) {
    val now = clock.elapsed()
    val last = sentAt
    if (last != null && now - last < PROGRESS_MS) {
      held = event
      return
    }
    held = null
    sentAt = now
    send(eventText(event))
  }
}
