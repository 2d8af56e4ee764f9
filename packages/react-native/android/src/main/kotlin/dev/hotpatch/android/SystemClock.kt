package dev.hotpatch.android

import dev.hotpatch.engine.ground.ClockPort

object SystemClock : ClockPort {
  private val random = java.util.Random()

  override fun now(): Long = System.currentTimeMillis()

  /** It goes on while the phone sleeps. */
  override fun elapsed(): Long = android.os.SystemClock.elapsedRealtime()

  override fun sleep(ms: Long) = Thread.sleep(ms)

  override fun random(): Double = random.nextDouble()
}
