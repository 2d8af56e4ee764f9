package dev.hotpatch.engine.memory

import dev.hotpatch.engine.ground.ClockPort

/** Time that passes only while somebody waits. */
class VirtualClock(startAt: Long = 0, private val random: () -> Double = { 0.5 }) : ClockPort {
  private var elapsed = 0L
  private var shown = startAt

  override fun now(): Long = shown

  override fun elapsed(): Long = elapsed

  override fun sleep(ms: Long) {
    elapsed += ms
    shown += ms
  }

  override fun random(): Double = random.invoke()

  /** Somebody sets the clock: what it shows from now on is so much later, or earlier. */
  fun set(byMs: Long) {
    shown += byMs
  }
}
