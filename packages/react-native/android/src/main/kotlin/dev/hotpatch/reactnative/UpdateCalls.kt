package dev.hotpatch.reactnative

/** What JavaScript can ask, as src/NativeHotPatch.ts has it. Everything blocks, but for what says so. */
internal interface UpdateCalls {
  /** At once. */
  fun status(): String

  fun configure(configuration: String): String

  fun check(): String

  fun download(): String

  fun sync(): String

  /** Waits for one write at most, as the next two. */
  fun confirm(): Boolean

  fun crashed(): Boolean

  fun rollBack(): Boolean

  fun restart(reload: Reload): Boolean

  fun setChannel(channel: String?): String

  fun flushReports()
}

/** The app did something wrong: a promise rejects with this code, of which there are two. */
internal class AppMistakeException(val code: String, message: String, cause: Throwable? = null) :
  Exception(message, cause)

internal fun configInvalid(message: String, cause: Throwable? = null) =
  AppMistakeException("config-invalid", message, cause)

internal fun notConfigured() = AppMistakeException(
  "not-configured",
  "A server and an app must be known before updates are asked for: call configure() with apiUrl and appId, or have the " +
    "binary say them.",
)
