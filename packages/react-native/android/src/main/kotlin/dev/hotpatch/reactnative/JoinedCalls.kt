package dev.hotpatch.reactnative

import com.facebook.react.bridge.Promise

/** Calls of one kind: those that come while one is under way have what comes of it, and take no thread. */
internal class JoinedCalls(private val lane: Lane, private val work: () -> String) {
  private val waiting = mutableListOf<Promise>()

  fun call(promise: Promise) {
    synchronized(waiting) {
      waiting += promise
      if (waiting.size > 1) return
    }
    lane.run {
      val outcome = runCatching(work)
      val told = synchronized(waiting) { waiting.toList().also { waiting.clear() } }
      for (each in told) each.settle(outcome)
    }
  }
}

internal fun Promise.settle(outcome: Result<Any?>) {
  val error = outcome.exceptionOrNull() ?: return resolve(outcome.getOrNull())
  // What is not the app's mistake is ours: outcomes are values.
  reject((error as? AppMistakeException)?.code ?: "bug", error.message, error)
}
