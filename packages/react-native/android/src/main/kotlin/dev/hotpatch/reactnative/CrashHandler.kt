package dev.hotpatch.reactnative

/**
 * Notes that the process ends by an exception that nobody caught, JavaScript's among them, and lets whoever was there before
 * go on: it is the system that ends the process, and crash reporters that tell of it.
 */
internal class CrashHandler(
  private val before: Thread.UncaughtExceptionHandler?,
  private val noteCrash: () -> Unit,
) : Thread.UncaughtExceptionHandler {
  override fun uncaughtException(thread: Thread, error: Throwable) {
    try {
      noteCrash()
    } catch (_: Throwable) {
      // The exception that is on its way is the one to be told of.
    }
    before?.uncaughtException(thread, error)
  }
}
