package dev.hotpatch.reactnative

import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.ThreadPoolExecutor
import java.util.concurrent.TimeUnit

private const val IDLE_SECONDS = 10L

/** One thread for work that is done in order; it ends when there is none. */
internal class Lane(private val name: String) {
  private val executor = ThreadPoolExecutor(1, 1, IDLE_SECONDS, TimeUnit.SECONDS, LinkedBlockingQueue()) { work ->
    Thread(work, "hotpatch-$name").apply { isDaemon = true }
  }.apply { allowCoreThreadTimeOut(true) }

  fun run(work: () -> Unit) = executor.execute(work)
}
