package dev.hotpatch.engine.scenarios

import dev.hotpatch.engine.ground.ClockPort
import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.TookTooLongException
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readJson
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text
import java.io.IOException
import java.util.ArrayDeque

/** Answers exactly the requests that a step expects, in their order. */
class ScriptedNetwork(
  private val file: JsonObject,
  private val bodies: Bodies,
  private val clock: ClockPort,
) : HttpPort {
  private val waiting = ArrayDeque<JsonValue>()
  private val unexpected = ArrayList<String>()

  fun expectExchanges(exchanges: List<JsonValue>) {
    waiting.clear()
    waiting.addAll(exchanges)
  }

  /** Requests that came and were not expected, or were expected and did not come. */
  fun faults(): List<String> = unexpected + waiting.map { "never came: ${it.text("request")} at ${it.long("atMs")}" }

  override fun open(request: HttpRequest): HttpExchange = object : HttpExchange {
    override fun response(timeoutMs: Long): HttpResponse = answer(request)

    override fun abort() {}
  }

  private fun answer(request: HttpRequest): HttpResponse {
    val next = waiting.poll()
    val found = plain(jsonOf("atMs" to clock.elapsed(), "request" to describeRequest(request)))
    val expected = next?.let {
      plain(jsonOf("atMs" to it.at("atMs"), "request" to file.at("requests").at(it.text("request"))))
    }
    if (next == null || loosened(found, expected) != expected) {
      unexpected += "found $found, expected $expected"
      throw IOException("this request is not expected")
    }
    val response = next.find("response") as JsonObject? ?: throw IOException("no route to host")
    return ScriptedResponse(response, bodies, clock)
  }
}

/** Without the headers that every request of its kind has. */
fun describeRequest(request: HttpRequest): JsonObject {
  val usual = when (request.method) {
    HttpMethod.POST -> mapOf("content-type" to "application/json", "accept" to "application/json", "x-app-key" to "key")
    HttpMethod.GET -> mapOf("accept-encoding" to "identity")
  }
  for (name in usual.keys - "x-app-key") check(name in request.headers) { "a request without $name" }
  val others = request.headers.filter { (name, value) -> usual[name] != value }
  return jsonOf(
    "method" to request.method.name,
    "url" to request.url,
    "headers" to others.takeIf { it.isNotEmpty() }?.let { all -> JsonObject(all.mapValues { JsonString(it.value) }) },
    "json" to request.body?.let(::readJson),
  )
}

/** A portion of a body, or how it ends. */
private class Portion(val bytes: ByteArray?, val afterMs: Long, val end: String?)

private class ScriptedResponse(json: JsonObject, bodies: Bodies, private val clock: ClockPort) : HttpResponse {
  override val status = json.long("status").toInt()
  override val headers: Map<String, String> =
    (json["headers"] as JsonObject?)?.fields?.mapValues { it.value.text } ?: emptyMap()
  private val portions = ArrayDeque(portionsOf(json["body"], bodies))

  override fun read(timeoutMs: Long): ByteArray? {
    val next = portions.peek() ?: return null
    val silentMs = if (next.end == "silence") Long.MAX_VALUE else next.afterMs
    if (silentMs > timeoutMs) {
      clock.sleep(timeoutMs)
      throw TookTooLongException("nothing came for $timeoutMs ms")
    }
    clock.sleep(silentMs)
    if (next.end == "endless") return ByteArray(1000)
    portions.poll()
    if (next.end == "reset") throw IOException("ECONNRESET")
    return next.bytes
  }
}

private fun portionsOf(body: JsonValue?, bodies: Bodies): List<Portion> = when (body) {
  null, JsonNull -> emptyList()
  is JsonString -> portionsOf(bodies.bytesOf(body.value), 0, null)
  is JsonArray -> body.items.flatMap { portionsOfPiece(it as JsonObject, bodies) }
  else -> error("expected the name of a body or its pieces")
}

private fun portionsOfPiece(piece: JsonObject, bodies: Bodies): List<Portion> {
  val end = piece["end"]?.text
  if (end != null) return listOf(Portion(null, 0, end))
  val all = bodies.bytesOf(piece.text("body"))
  val from = piece["from"]?.let { piece.long("from").toInt() } ?: 0
  val to = piece["to"]?.let { piece.long("to").toInt() } ?: all.size
  val each = piece["each"]?.let { piece.long("each").toInt() }
  val afterMs = if (piece["afterMs"] == null) 0 else piece.long("afterMs")
  return portionsOf(all.copyOfRange(minOf(from, all.size), minOf(to, all.size)), afterMs, each)
}

private fun portionsOf(bytes: ByteArray, afterMs: Long, each: Int?): List<Portion> {
  val size = each ?: bytes.size
  if (bytes.isEmpty()) return emptyList()
  return (bytes.indices step size).map { at ->
    Portion(bytes.copyOfRange(at, minOf(at + size, bytes.size)), afterMs, null)
  }
}
