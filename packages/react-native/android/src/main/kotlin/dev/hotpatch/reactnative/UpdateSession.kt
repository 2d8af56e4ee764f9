package dev.hotpatch.reactnative

import dev.hotpatch.engine.engine.Engine

/** One engine and what it chose: until the next restart, or the end of the process. */
internal class UpdateSession(
  val engine: Engine,
  /** The file that React Native runs; null is what the binary shipped with. */
  val bundle: String?,
) {
  /** Other JavaScript is loaded, or this was never loaded: what is said of it is not heard. */
  @Volatile var isOver = false
  @Volatile var isConfigured = false
}
