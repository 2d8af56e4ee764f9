package dev.hotpatch.reactnative

import dev.hotpatch.android.NativeConfiguration
import dev.hotpatch.android.isChannel
import dev.hotpatch.engine.ground.AllowInsecure
import dev.hotpatch.engine.ground.EngineConfig
import dev.hotpatch.engine.ground.isAllowedAddress
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.readArray
import dev.hotpatch.protocol.readBoolean
import dev.hotpatch.protocol.readJson
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readOptional
import dev.hotpatch.protocol.readString

internal const val DEFAULT_CHANNEL = "production"
private const val MAX_COHORTS = 50
private const val MAX_TEXT = 200

/** What the app's JavaScript says, `NativeConfiguration` of messages.ts. */
internal data class AppConfiguration(
  val apiUrl: String? = null,
  val appId: String? = null,
  val appKey: String? = null,
  val channel: String? = null,
  val cohorts: List<String> = emptyList(),
  val deviceId: String? = null,
  val deviceCredential: Boolean = false,
  val restartsWhenMandatory: Boolean = true,
)

/** @throws dev.hotpatch.protocol.UnexpectedJsonException with the name of the field, what was expected and what was found */
internal fun readAppConfiguration(text: String): AppConfiguration {
  val json = readObject(readJson(text), "")
  return AppConfiguration(
    apiUrl = json.text("apiUrl", "an address that begins with https:// and has neither ? nor #", ::isServer),
    appId = json.text("appId", "1 to $MAX_TEXT characters", ::isText),
    appKey = json.text("appKey", "1 to $MAX_TEXT characters", ::isText),
    channel = json.text("channel", "the name of a channel", ::isChannel),
    cohorts = readOptional(json["cohorts"]) { readArray(it, "/cohorts", MAX_COHORTS) }.orEmpty()
      .mapIndexed { index, name -> readString(name, "/cohorts/$index") },
    deviceId = json.text("deviceId", "1 to $MAX_TEXT characters", ::isText),
    deviceCredential = readOptional(json["deviceCredential"]) { readBoolean(it, "/deviceCredential") } ?: false,
    restartsWhenMandatory =
      readOptional(json["restartsWhenMandatory"]) { readBoolean(it, "/restartsWhenMandatory") } ?: true,
  )
}

private fun JsonObject.text(name: String, expected: String, isGood: (String) -> Boolean): String? =
  readOptional(this[name]) { readString(it, "/$name", expected, isGood) }

private fun isText(text: String): Boolean = text.isNotEmpty() && text.length <= MAX_TEXT && '\u0000' !in text

/** Whether http: is allowed is seen when it is asked. */
private fun isServer(url: String): Boolean =
  isAllowedAddress(url, AllowInsecure.ANYWHERE) && '?' !in url && '#' !in url

/** The one that checks ask for: chosen on this device, else JavaScript's, else the binary's. */
internal fun channelOf(native: NativeConfiguration, app: AppConfiguration, chosen: String?): String =
  chosen ?: app.channel ?: native.channel ?: DEFAULT_CHANNEL

/** What the binary says goes before what JavaScript says. Null while an app is missing, or both server and edge. */
internal fun engineConfigOf(
  native: NativeConfiguration,
  app: AppConfiguration,
  channel: String,
  deviceId: String,
): EngineConfig? {
  val serverUrl = native.apiUrl ?: app.apiUrl ?: if (native.edge != null) "" else return null
  val appId = native.appId ?: app.appId ?: return null
  return EngineConfig(
    serverUrl = serverUrl,
    appId = appId,
    deviceId = app.deviceId ?: deviceId,
    channel = channel,
    edge = native.edge,
    appKey = native.appKey ?: app.appKey ?: "",
    cohorts = app.cohorts,
    deviceCredential = app.deviceCredential,
    publicKeys = native.publicKeys,
    decryptionKeys = native.decryptionKeys,
    allowInsecure = native.allowInsecure,
    restartsWhenMandatory = app.restartsWhenMandatory,
  )
}
