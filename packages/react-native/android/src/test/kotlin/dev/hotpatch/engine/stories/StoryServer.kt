package dev.hotpatch.engine.stories

import dev.hotpatch.engine.ground.HttpExchange
import dev.hotpatch.engine.ground.HttpMethod
import dev.hotpatch.engine.ground.HttpPort
import dev.hotpatch.engine.ground.HttpRequest
import dev.hotpatch.engine.ground.HttpResponse
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.scenarios.Bodies
import dev.hotpatch.protocol.JsonArray
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readJson
import dev.hotpatch.protocol.utf8FromText
import dev.hotpatch.protocol.writeJson
import dev.hotpatch.testing.at
import dev.hotpatch.testing.find
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts
import java.io.IOException

private const val PIECE_BYTES = 150
private const val ETAG = "\"a\""

/** vectors/README.md, "Stories": little more than the answers of the file; silent once the power is off. */
class StoryServer(
  private val file: JsonObject,
  private val bodies: Bodies,
  private val isDead: () -> Boolean,
) : HttpPort {
  private val reports = LinkedHashMap<String, JsonValue>()

  /** Null: nothing is offered. */
  var target: String? = null
  var isUp = true

  /** `releaseId kind code` of every report by its id, sorted. */
  fun told(): List<String> = reports.values.map { report ->
    val releaseId = report.find("releaseId")?.text ?: "embedded"
    "$releaseId ${report.text("kind")} ${report.find("code")?.text ?: ""}".trim()
  }.sorted()

  override fun open(request: HttpRequest): HttpExchange = object : HttpExchange {
    override fun response(timeoutMs: Long): HttpResponse = respond(request)

    override fun abort() {}
  }

  private fun respond(request: HttpRequest): HttpResponse {
    if (isDead() || !isUp) throw IOException("the power is off")
    if (request.method == HttpMethod.GET) return serveArtifact(request)
    val body = readJson(request.body!!) as JsonObject
    val answer = if (request.url.endsWith("/update/check")) answerCheck(body) else takeReports(body)
    return Answer(200, emptyMap(), answer)
  }

  private fun answerCheck(check: JsonObject): ByteArray {
    val aim = target?.let { file.at("targets").at(it) } ?: return nothing("nothing-in-force")
    val (running, wanted) = check.find("releaseId")?.text to aim.find("releaseId")?.text
    if (running == wanted) return nothing("runs-the-target")
    if (wanted != null && wanted in check.texts("failedReleaseIds")) return nothing("failed-on-this-device")
    val base = running ?: check.find("embeddedUpdateId")?.text
    val formats = if (check["patches"] == null) emptyList() else check.texts("patches")
    val patch = (aim.at("patches") as JsonArray).items.find {
      val from = it.find("from")?.text
      (from == null || from == base) && it.text("format") in formats
    }
    return bodies.bytesOf((patch ?: aim).text("answer"))
  }

  private fun nothing(reason: String) = utf8FromText(writeJson(jsonOf("updateAvailable" to false, "reason" to reason)))

  private fun takeReports(body: JsonObject): ByteArray {
    val fresh = (body.at("events") as JsonArray).items.filter { it.text("id") !in reports }
    for (event in fresh) reports[event.text("id")] = event
    return utf8FromText(writeJson(jsonOf("accepted" to fresh.size, "rejected" to emptyList<String>())))
  }

  private fun serveArtifact(request: HttpRequest): HttpResponse {
    val bytes = bodies.bytesOf(file.at("artifacts").text(request.url))
    val from = request.headers["range"]?.removePrefix("bytes=")?.removeSuffix("-")?.toInt()
    if (from == null || request.headers["if-range"] != ETAG) return Answer(200, mapOf("etag" to ETAG), bytes)
    val range = "bytes $from-${bytes.size - 1}/${bytes.size}"
    return Answer(206, mapOf("etag" to ETAG, "content-range" to range), bytes.copyOfRange(from, bytes.size))
  }
}

private class Answer(
  override val status: Int,
  override val headers: Map<String, String>,
  private val bytes: ByteArray,
) : HttpResponse {
  private var at = 0

  override fun read(timeoutMs: Long): ByteArray? {
    if (at == bytes.size) return null
    val end = minOf(at + PIECE_BYTES, bytes.size)
    return bytes.copyOfRange(at, end).also { at = end }
  }
}
