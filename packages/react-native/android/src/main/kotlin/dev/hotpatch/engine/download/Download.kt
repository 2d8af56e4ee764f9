package dev.hotpatch.engine.download

import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.asUpdateError
import dev.hotpatch.engine.ground.backOff
import dev.hotpatch.engine.ground.isFinalStatus
import dev.hotpatch.engine.state.PENDING_DOWNLOAD
import dev.hotpatch.engine.state.PENDING_PATCH
import dev.hotpatch.engine.state.PENDING_PATCH_DOWNLOAD
import dev.hotpatch.engine.state.PENDING_ZIP
import dev.hotpatch.engine.state.hashFile
import dev.hotpatch.engine.state.reader
import dev.hotpatch.protocol.SdkCode

/** Bytes that are known before they come. */
class Wanted(
  /** As messages call it. */
  val name: String,
  val url: String,
  val sha256: String,
  val sizeBytes: Long,
)

/** Where they go, and what says which ones they are: without that nothing is gone on with. */
class Place(val bytes: String, val note: String)

val BUNDLE = Place(PENDING_ZIP, PENDING_DOWNLOAD)
val PATCH = Place(PENDING_PATCH, PENDING_PATCH_DOWNLOAD)

class DownloadContext(
  val ports: Ports,
  val limits: Limits,
  val allowInsecure: AllowInsecure,
  /** Something else will do: it is not asked for again when nothing of it came. */
  val isOptional: Boolean = false,
  /** How much of it is there. */
  val onProgress: (receivedBytes: Long) -> Unit,
)

class Downloaded(
  val isResumed: Boolean,
  /** Over the network, in this call and in the attempts that it resumed. */
  val receivedBytes: Long,
)

/**
 * Engine §5: fetches exactly the announced bytes into their place, going on where an earlier attempt, or an earlier
 * process, was interrupted. What a power cut takes of them is fetched again; nothing is said yet about what they are.
 */
fun download(wanted: Wanted, place: Place, context: DownloadContext): Downloaded {
  val clock = context.ports.clock
  val limits = context.limits
  var receivedBytes = readPartial(wanted, place, context.ports.files).offset
  val isResumed = receivedBytes > 0
  val deadline = clock.elapsed() + limits.downloadTimeoutMs
  val fetching = Fetching(wanted, place, context, deadline) { bytes -> receivedBytes += bytes }
  var attempt = 0
  while (true) {
    val before = receivedBytes
    try {
      fetching.fetchRest()
      return Downloaded(isResumed, receivedBytes)
    } catch (cause: Exception) {
      val error = asUpdateError(cause)
      val wait = error.retryAfterMs ?: backOff(clock, attempt, limits)
      val isUseless = (context.isOptional && receivedBytes == before) || !mayHelp(error)
      if (isUseless || attempt + 1 >= limits.attempts || clock.elapsed() + wait >= deadline) throw error
      clock.sleep(wait)
    }
    attempt += 1
  }
}

/** What is still to come of it. */
fun missingBytes(wanted: Wanted, place: Place, ports: Ports): Long =
  wanted.sizeBytes - readPartial(wanted, place, ports.files).offset

fun discardDownload(place: Place, ports: Ports) {
  ports.files.remove(place.note)
  ports.files.remove(place.bytes)
}

/** @throws UpdateError 'hash-mismatch'; judged by what is on the disk, not by what passed by */
fun verifyDownload(wanted: Wanted, place: Place, ports: Ports) {
  val found = hashFile(ports.crypto, wanted.sizeBytes, ports.files.reader(place.bytes))
  if (found == wanted.sha256) return
  throw UpdateError(
    SdkCode.HASH_MISMATCH,
    "${wanted.name} has the hash $found, announced was ${wanted.sha256}",
  )
}

/** Whether asking again within the same call can help. */
private fun mayHelp(error: UpdateError): Boolean = when (error.code) {
  SdkCode.DOWNLOAD_FAILED, SdkCode.DOWNLOAD_TRUNCATED, SdkCode.DOWNLOAD_TIMEOUT -> !isFinalStatus(error.status ?: 0)
  else -> false
}
