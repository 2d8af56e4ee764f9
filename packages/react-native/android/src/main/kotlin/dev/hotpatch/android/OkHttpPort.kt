package dev.hotpatch.android

import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.TookTooLongException
import java.io.IOException
import java.net.SocketTimeoutException
import java.util.concurrent.ArrayBlockingQueue
import java.util.concurrent.TimeUnit
import okhttp3.Call
import okhttp3.Callback
import okhttp3.CertificatePinner
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody
import okhttp3.Response
import okio.Buffer

/** Never more than this at a time, so that a download of any size takes the same memory. */
private const val PIECE_BYTES = 64L * 1024

/** OkHttp without what it does by itself: no redirects, nothing decoded, no cache, and times that the engine sets. */
class OkHttpPort(pins: List<CertificatePin> = emptyList(), client: OkHttpClient = OkHttpClient()) : HttpPort {
  private val client = client.newBuilder()
    .followRedirects(false)
    .followSslRedirects(false)
    .connectTimeout(0, TimeUnit.MILLISECONDS)
    .readTimeout(0, TimeUnit.MILLISECONDS)
    .writeTimeout(0, TimeUnit.MILLISECONDS)
    .callTimeout(0, TimeUnit.MILLISECONDS)
    .certificatePinner(pinnerOf(pins))
    .build()

  override fun open(request: HttpRequest): HttpExchange = Exchange(client, request)
}

private fun pinnerOf(pins: List<CertificatePin>): CertificatePinner {
  val builder = CertificatePinner.Builder()
  for ((host, pin) in pins) builder.add(host, pin)
  return builder.build()
}

private class Exchange(private val client: OkHttpClient, private val request: HttpRequest) : HttpExchange {
  @Volatile private var call: Call? = null
  @Volatile private var isAborted = false

  override fun response(timeoutMs: Long): HttpResponse {
    val started = client.newCall(toOkHttp(request))
    call = started
    if (isAborted) started.cancel()
    val heads = ArrayBlockingQueue<Result<Response>>(1)
    started.enqueue(Receiver(heads))
    val head = heads.poll(timeoutMs, TimeUnit.MILLISECONDS)
    if (head != null) return OkHttpResponse(head.getOrThrow())
    started.cancel()
    throw TookTooLongException("no answer came within $timeoutMs ms")
  }

  override fun abort() {
    isAborted = true
    call?.cancel()
  }
}

/** What comes when nobody waits for it any more is closed: its call was cancelled. */
private class Receiver(private val heads: ArrayBlockingQueue<Result<Response>>) : Callback {
  override fun onFailure(call: Call, e: IOException) {
    heads.offer(Result.failure(e))
  }

  override fun onResponse(call: Call, response: Response) {
    if (call.isCanceled()) response.close()
    heads.offer(Result.success(response))
  }
}

private class OkHttpResponse(private val response: Response) : HttpResponse {
  /** Until its end. */
  private var body = response.body?.source()
  override val status = response.code
  override val headers: Map<String, String> =
    response.headers.names().associate { it.lowercase() to response.headers.values(it).joinToString(", ") }

  override fun read(timeoutMs: Long): ByteArray? {
    val piece = Buffer()
    val source = body ?: return null
    source.timeout().timeout(timeoutMs, TimeUnit.MILLISECONDS)
    try {
      if (source.read(piece, PIECE_BYTES) > 0) return piece.readByteArray()
      body = null
      response.close()
      return null
    } catch (error: SocketTimeoutException) {
      throw TookTooLongException("nothing came within $timeoutMs ms").apply { initCause(error) }
    }
  }
}

/** @throws IOException for what OkHttp does not take as an address or a header */
private fun toOkHttp(request: HttpRequest): Request = try {
  val body = request.body?.encodeToByteArray()?.toRequestBody()
  val builder = Request.Builder().url(request.url)
  // Said, as it would otherwise unpack bodies, and their lengths would not be those that the server told.
  builder.header("accept-encoding", "identity")
  for ((name, value) in request.headers) builder.header(name, value)
  when (request.method) {
    HttpMethod.GET -> builder.get()
    HttpMethod.POST -> builder.post(body ?: ByteArray(0).toRequestBody())
  }
  builder.build()
} catch (error: IllegalArgumentException) {
  throw IOException("it is no request: ${error.javaClass.simpleName}", error)
}
