package dev.hotpatch.engine.edge

import dev.hotpatch.engine.ground.AnswerTooLongException
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.Ports
import dev.hotpatch.engine.ground.Settings
import dev.hotpatch.engine.ground.SmallAnswer
import dev.hotpatch.engine.ground.UpdateError
import dev.hotpatch.engine.ground.exchangeSmall
import dev.hotpatch.engine.ground.isAllowedAddress
import dev.hotpatch.engine.ground.messageOf
import dev.hotpatch.engine.ground.parseHttpDate
import dev.hotpatch.protocol.SdkCode
import dev.hotpatch.protocol.UnexpectedJsonException
import dev.hotpatch.protocol.edge.EdgeEnvelope
import dev.hotpatch.protocol.edge.MAX_EDGE_ENVELOPE_BYTES
import dev.hotpatch.protocol.edge.readEdgeEnvelope
import dev.hotpatch.protocol.textFromUtf8

internal class FetchedEnvelope(
  val envelope: EdgeEnvelope,
  /** What the time is where it came from; null where that is not told. */
  val toldAt: Long?,
)

/** Static edge §2: the files of an edge, fetched with a bound on size and time, and believed in nothing. */
internal class EdgeFiles(private val ports: Ports, private val settings: Settings, private val baseUrl: String) {
  /** @throws UpdateError */
  fun fetchEnvelope(path: String): FetchedEnvelope {
    val answer = fetch(path, MAX_EDGE_ENVELOPE_BYTES)
    val envelope = readOrRefuse(path) { readEdgeEnvelope(textOf(answer.body, path)) }
    return FetchedEnvelope(envelope, parseHttpDate(answer.headers["date"] ?: ""))
  }

  /** @throws UpdateError */
  fun fetchBytes(path: String, maxBytes: Int): ByteArray = fetch(path, maxBytes).body

  private fun fetch(path: String, maxBytes: Int): SmallAnswer {
    val url = "$baseUrl/$path"
    if (!isAllowedAddress(url, settings.allowInsecure)) {
      throw UpdateError(SdkCode.INSECURE_URL, "the edge's address is not https: $baseUrl")
    }
    val request = HttpRequest(HttpMethod.GET, url, HEADERS)
    val answer = try {
      exchangeSmall(ports.http, ports.clock, request, maxBytes, settings.limits.requestTimeoutMs)
    } catch (cause: AnswerTooLongException) {
      throw UpdateError(SdkCode.ANSWER_INVALID, messageOf(cause), cause)
    } catch (cause: Exception) {
      throw UpdateError(SdkCode.CHECK_FAILED, "the edge was not reached: ${messageOf(cause)}", cause)
    }
    if (answer.status == 200) return answer
    throw UpdateError(SdkCode.CHECK_FAILED, "the edge answered ${answer.status} for $path", status = answer.status)
  }
}

// What is signed are the bytes as they are.
private val HEADERS = mapOf("accept" to "application/json", "accept-encoding" to "identity")

/** @throws UpdateError 'answer-invalid' */
internal fun textOf(bytes: ByteArray, what: String): String =
  textFromUtf8(bytes) ?: throw UpdateError(SdkCode.ANSWER_INVALID, "$what of the edge is not UTF-8")

/**
 * With the place of the first thing that is not as it must be.
 * @throws UpdateError 'answer-invalid'
 */
internal fun <Read> readOrRefuse(what: String, read: () -> Read): Read = try {
  read()
} catch (cause: UnexpectedJsonException) {
  throw UpdateError(SdkCode.ANSWER_INVALID, "$what of the edge: ${messageOf(cause)}", cause)
}
