package dev.hotpatch.engine.download

import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.TookTooLongException
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.concat
import dev.hotpatch.engine.ground.isAllowedAddress
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.ground.resolveLocation
import dev.hotpatch.engine.ground.retryAfter
import dev.hotpatch.protocol.SdkCode

/** Held in memory before they are written. */
private const val WRITE_BYTES = 256 * 1024

/** Attempts at what is still missing of one download. */
internal class Fetching(
  private val wanted: Wanted,
  private val place: Place,
  private val context: DownloadContext,
  /** By the clock's own time. */
  private val deadline: Long,
  /** How much came just now. */
  private val onReceived: (bytes: Int) -> Unit,
) {
  private val files get() = context.ports.files
  private val limits get() = context.limits

  private class Opened(val exchange: HttpExchange, val response: HttpResponse)

  fun fetchRest() {
    val partial = readPartial(wanted, place, files)
    if (partial.offset == wanted.sizeBytes) return
    val opened = open(partial)
    try {
      receive(acceptResponse(partial, opened.response), opened.response)
    } finally {
      opened.exchange.abort()
    }
  }

  /** Engine §5: a redirect is followed only where a first request would be allowed to go. */
  private fun open(partial: Partial): Opened {
    val headers = linkedMapOf("accept-encoding" to "identity")
    if (partial.offset > 0) {
      headers["range"] = "bytes=${partial.offset}-"
      headers["if-range"] = partial.etag
    }
    var url = wanted.url
    repeat(limits.redirects + 1) {
      if (!isAllowedAddress(url, context.allowInsecure)) {
        val found = url.take(200)
        throw UpdateError(SdkCode.INSECURE_URL, "the address of ${wanted.name} is not https: $found")
      }
      val opened = openOnce(HttpRequest(HttpMethod.GET, url, headers))
      val response = opened.response
      if (response.status < 300 || response.status >= 400) return opened
      opened.exchange.abort()
      url = resolveLocation(url, response.headers["location"])
        ?: throw UpdateError(SdkCode.DOWNLOAD_FAILED, "a redirect leads nowhere (from ${url.take(200)})")
    }
    throw UpdateError(SdkCode.DOWNLOAD_FAILED, "more than ${limits.redirects} redirects")
  }

  private fun openOnce(request: HttpRequest): Opened = patiently { ms ->
    val exchange = context.ports.http.open(request)
    try {
      Opened(exchange, exchange.response(ms))
    } catch (error: Exception) {
      exchange.abort()
      throw error
    }
  }

  /** Where the body's first byte belongs. @throws UpdateError when the response cannot be part of what is wanted */
  private fun acceptResponse(partial: Partial, response: HttpResponse): Long {
    val (status, headers) = response.status to response.headers
    if (status != 200 && status != 206) refuseStatus(status, headers)
    val encoding = headers["content-encoding"] ?: "identity"
    if (encoding != "identity") {
      throw UpdateError(SdkCode.DOWNLOAD_FAILED, "${wanted.name} came encoded as $encoding")
    }
    val offset = if (status == 206) partial.offset else 0
    if (status == 206) expectRest(partial, headers) else beginPartial(wanted, place, headers["etag"], files)
    // What is no number says nothing.
    val length = headers["content-length"]?.toDoubleOrNull() ?: 0.0
    if (length > wanted.sizeBytes - offset) {
      throw tooLarge("${headers["content-length"]} bytes from $offset on are coming")
    }
    return offset
  }

  private fun refuseStatus(status: Int, headers: Map<String, String>): Nothing {
    if (status == 416) discardDownload(place, context.ports)
    throw UpdateError(
      SdkCode.DOWNLOAD_FAILED,
      "the address of ${wanted.name} answered $status",
      status = if (status == 416) null else status,
      retryAfterMs = retryAfter(headers, context.ports.clock.now(), limits.retryAfterMaxMs),
    )
  }

  private fun expectRest(partial: Partial, headers: Map<String, String>) {
    val range = "bytes ${partial.offset}-${wanted.sizeBytes - 1}/${wanted.sizeBytes}"
    val found = headers["content-range"]
    val isSame = found == range && (headers["etag"] ?: partial.etag) == partial.etag
    if (isSame && partial.offset > 0) return
    discardDownload(place, context.ports)
    throw UpdateError(SdkCode.DOWNLOAD_FAILED, "the range is not the rest of ${wanted.name}: $found")
  }

  private fun receive(from: Long, response: HttpResponse) {
    var offset = from
    val held = ArrayList<ByteArray>()
    var heldBytes = 0
    fun flush() {
      if (heldBytes == 0) return
      files.append(place.bytes, offset, concat(held))
      offset += heldBytes
      onReceived(heldBytes)
      held.clear()
      heldBytes = 0
      context.onProgress(offset)
    }
    try {
      while (true) {
        val next = patiently { ms -> response.read(ms) } ?: break
        // Never more than announced is kept, whatever the headers said.
        if (next.size > wanted.sizeBytes - offset - heldBytes) throw tooLarge("more bytes came")
        held.add(next)
        heldBytes += next.size
        if (heldBytes >= WRITE_BYTES) flush()
      }
    } finally {
      // What has arrived is worth keeping, however it ended; after a full disk this fails again, as it must.
      flush()
    }
    if (offset < wanted.sizeBytes) {
      val found = "$offset of ${wanted.sizeBytes} bytes of ${wanted.name} came"
      throw UpdateError(SdkCode.DOWNLOAD_TRUNCATED, found)
    }
  }

  /** Bounded by the silence that is allowed and by what is left of the whole download's time. */
  private fun <T> patiently(work: (timeoutMs: Long) -> T): T {
    val ms = minOf(limits.idleTimeoutMs, deadline - context.ports.clock.elapsed()).coerceAtLeast(0)
    try {
      if (ms == 0L) throw TookTooLongException("there is no time left")
      return work(ms)
    } catch (_: TookTooLongException) {
      val told = "nothing came for $ms ms, or the whole took too long"
      throw UpdateError(SdkCode.DOWNLOAD_TIMEOUT, told)
    } catch (cause: Exception) {
      throw UpdateError(SdkCode.DOWNLOAD_FAILED, "the connection failed: ${messageOf(cause)}", cause)
    }
  }

  private fun tooLarge(found: String) = UpdateError(
    SdkCode.DOWNLOAD_TOO_LARGE,
    "${wanted.name} has ${wanted.sizeBytes} bytes as announced, but $found",
  )
}
