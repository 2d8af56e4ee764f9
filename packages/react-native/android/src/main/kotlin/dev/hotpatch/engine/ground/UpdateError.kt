package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.SdkCode

/** Why an update was not taken. `code` is the same in every SDK; the cause is kept. */
class UpdateError(
  val code: SdkCode,
  override val message: String,
  cause: Throwable? = null,
  /** What the server answered with, where that is the reason. */
  val status: Int? = null,
  /** The server asked for this much patience. */
  val retryAfterMs: Long? = null,
) : Exception(message, cause) {
  /** Whether the same release may be tried again later. */
  val isRetryable: Boolean get() = code.isRetryable
}

/** The server understood and said no: asking again at once gives the same. */
fun isFinalStatus(status: Int): Boolean = status in 400..499 && status != 408 && status != 429

/** Anything that is not an UpdateError yet came from the files port. */
fun asUpdateError(error: Throwable): UpdateError = when (error) {
  is UpdateError -> error
  is DiskFullException -> UpdateError(SdkCode.STORAGE_FULL, "the disk is full", error)
  else -> UpdateError(SdkCode.STORAGE_FAILED, "a file operation failed: ${messageOf(error)}", error)
}

fun messageOf(error: Throwable): String = error.message ?: error.javaClass.simpleName
