package dev.hotpatch.engine.scenarios

import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EdgeConfig
import dev.hotpatch.engine.ground.EdgeOrder
import dev.hotpatch.engine.ground.EmbeddedFile
import dev.hotpatch.engine.ground.EmbeddedFilesPort
import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.HostPort
import dev.hotpatch.engine.ground.Limits
import dev.hotpatch.protocol.JsonBoolean
import dev.hotpatch.protocol.JsonNull
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonString
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.find
import dev.hotpatch.testing.long
import dev.hotpatch.testing.text
import dev.hotpatch.testing.texts

/** `own` in place of what `device` says; of these, field by field. */
fun mergedDevice(device: JsonObject, own: JsonObject?): JsonObject {
  if (own == null) return device
  val byField = listOf("config", "limits", "host").associateWith { merged(device[it], own[it]) }
  return JsonObject(device.fields + own.fields + byField)
}

fun merged(fields: JsonValue?, own: JsonValue?): JsonObject =
  JsonObject(((fields as JsonObject?)?.fields ?: emptyMap()) + ((own as JsonObject?)?.fields ?: emptyMap()))

fun configOf(json: JsonObject): EngineConfig {
  val known = setOf(
    "serverUrl", "appKey", "appId", "deviceId", "channel", "cohorts", "publicKeys", "decryptionKeys", "deviceCredential",
    "allowInsecure", "restartsWhenMandatory", "edge",
  )
  check(known.containsAll(json.fields.keys)) { "expected fields of a config, found ${json.fields.keys - known}" }
  return EngineConfig(
    serverUrl = json.text("serverUrl"),
    appId = json.text("appId"),
    deviceId = json.text("deviceId"),
    channel = json.text("channel"),
    edge = json.find("edge")?.let(::edgeOf),
    appKey = json.find("appKey")?.text ?: "",
    cohorts = if (json["cohorts"] == null) emptyList() else json.texts("cohorts"),
    deviceCredential = json["deviceCredential"] != null && json.boolean("deviceCredential"),
    publicKeys = if (json["publicKeys"] == null) emptyList() else json.texts("publicKeys"),
    decryptionKeys = if (json["decryptionKeys"] == null) emptyList() else json.texts("decryptionKeys"),
    allowInsecure = when (val allowed = json["allowInsecure"]) {
      is JsonString -> AllowInsecure.LOOPBACK
      is JsonBoolean -> if (allowed.value) AllowInsecure.ANYWHERE else AllowInsecure.NEVER
      else -> AllowInsecure.NEVER
    },
    restartsWhenMandatory = json["restartsWhenMandatory"] == null || json.boolean("restartsWhenMandatory"),
  )
}

private fun edgeOf(json: JsonValue) = EdgeConfig(
  url = json.text("url"),
  order = when (val order = json.find("order")?.text) {
    null, "first" -> EdgeOrder.FIRST
    "fallback" -> EdgeOrder.FALLBACK
    else -> error("there is no order $order")
  },
)

/** Those that this engine has: the others are of content that React Native has none of. */
fun limitsOf(json: JsonObject?): Limits = json?.fields?.keys.orEmpty().fold(Limits()) { limits, name ->
  val value = json!!.long(name)
  when (name) {
    "answerBytes" -> limits.copy(answerBytes = value.toInt())
    "bundleBytes" -> limits.copy(bundleBytes = value)
    "unpackedBytes" -> limits.copy(unpackedBytes = value)
    "fileCount" -> limits.copy(fileCount = value.toInt())
    "patchPieceBytes" -> limits.copy(patchPieceBytes = value.toInt())
    "pathBytes" -> limits.copy(pathBytes = value.toInt())
    "requestTimeoutMs" -> limits.copy(requestTimeoutMs = value)
    "idleTimeoutMs" -> limits.copy(idleTimeoutMs = value)
    "downloadTimeoutMs" -> limits.copy(downloadTimeoutMs = value)
    "attempts" -> limits.copy(attempts = value.toInt())
    "backOffMs" -> limits.copy(backOffMs = value)
    "backOffMaxMs" -> limits.copy(backOffMaxMs = value)
    "retryAfterMaxMs" -> limits.copy(retryAfterMaxMs = value)
    "redirects" -> limits.copy(redirects = value.toInt())
    "startsOnProbation" -> limits.copy(startsOnProbation = value.toInt())
    "badStartsInARow" -> limits.copy(badStartsInARow = value.toInt())
    "reports" -> limits.copy(reports = value.toInt())
    "reportsAtOnce" -> limits.copy(reportsAtOnce = value.toInt())
    "rememberedReleases" -> limits.copy(rememberedReleases = value.toInt())
    "parallelDownloads", "resumableBytes" -> limits
    else -> error("there is no limit $name")
  }
}

class TestHost(json: JsonObject, private val onRestart: () -> Unit) : HostPort {
  private val told = json.fields.filterValues { it !is JsonNull }

  private fun told(name: String): String? = told[name]?.text

  override val nativeVersion = told("nativeVersion")!!
  override val platform = told("platform")!!
  override val nativeBuild = told("nativeBuild")
  override val runtimeVersion = told("runtimeVersion")
  override val builtAt = if ("builtAt" in told) json.long("builtAt") else null
  override val osVersion = told("osVersion")
  override val model = told("model")
  override val locale = told("locale")
  override val architecture = told("architecture")
  override val sdkVersion = told("sdkVersion")
  override val isEmulator = (told["isEmulator"] as JsonBoolean?)?.value
  override val isProduction = (told["isProduction"] as JsonBoolean?)?.value
  override val installSource = told("installSource")

  override fun restart() = onRestart()
}

class ShippedFiles(private val files: Map<String, ByteArray>) : EmbeddedFilesPort {
  override fun list(): List<EmbeddedFile> = files.map { (path, bytes) -> EmbeddedFile(path, bytes.size.toLong()) }

  override fun readRange(path: String, offset: Long, length: Int): ByteArray {
    val bytes = files[path] ?: error("there is no $path in the binary")
    val from = minOf(offset.toInt(), bytes.size)
    return bytes.copyOfRange(from, minOf(from + length, bytes.size))
  }
}
