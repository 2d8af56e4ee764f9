package dev.hotpatch.engine.ground

import java.util.concurrent.ExecutionException
import java.util.concurrent.FutureTask

/** Work of one kind: who calls while it is under way waits for it, and has what comes of it. */
class Joined<T> {
  private class Task<T>(val owner: Thread, work: () -> T) : FutureTask<T>(work)

  private var underWay: Task<T>? = null

  /** @throws IllegalStateException when it is called in that very work, by a listener: that would wait for itself */
  fun run(work: () -> T): T {
    val mine: Task<T>
    val joined = synchronized(this) {
      mine = Task(Thread.currentThread(), work)
      underWay.also { if (it == null) underWay = mine }
    }
    if (joined != null) {
      check(joined.owner != Thread.currentThread()) { "a listener cannot wait for the work that it listens to" }
      return resultOf(joined)
    }
    try {
      mine.run()
    } finally {
      synchronized(this) { underWay = null }
    }
    return resultOf(mine)
  }

  private fun resultOf(task: Task<T>): T = try {
    task.get()
  } catch (error: ExecutionException) {
    throw error.cause ?: error
  }
}
