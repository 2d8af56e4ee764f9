package dev.hotpatch.engine.server

import dev.hotpatch.engine.ground.FilesPort
import dev.hotpatch.engine.ground.SmallAnswer
import dev.hotpatch.engine.ground.jsonFromUtf8
import dev.hotpatch.engine.ground.jsonOf
import dev.hotpatch.engine.ground.readJsonFile
import dev.hotpatch.engine.ground.textOrNull
import dev.hotpatch.engine.ground.writeJsonFile
import dev.hotpatch.engine.state.CREDENTIAL
import dev.hotpatch.engine.state.ROOT
import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/**
 * Engine §9: what shows the server that it is this installation which asks and reports. Asked for once in each process
 * until there is one; a server that gives none, or gave it before the app's data was lost, is served without.
 * `register` asks the server for it.
 */
class DeviceCredential(
  private val files: FilesPort,
  private val deviceId: String,
  private val isWanted: Boolean,
  private val register: () -> SmallAnswer,
) {
  private val found by lazy { runCatching { find() }.getOrNull() }

  /** Null when there is none. Never throws. */
  fun token(): String? = if (isWanted) found else null

  private fun find(): String? {
    val known = readJsonFile(files, CREDENTIAL, ::readCredential)
    if (known?.deviceId == deviceId) return known.token
    // Before it is asked for: the server gives it once.
    files.makeDirectory(ROOT)
    val answer = register()
    val json = if (answer.status == 200) jsonFromUtf8(answer.body) else null
    val given = textOrNull(readObject(json ?: JsonObject(emptyMap()), "")["deviceToken"])
    if (given == null || !TOKEN.matches(given)) return null
    // A full disk: it holds for this process.
    runCatching { writeJsonFile(files, CREDENTIAL, jsonOf("deviceId" to deviceId, "token" to given)) }
    return given
  }
}

private class Credential(
  /** Whose it is: another id asks for its own. */
  val deviceId: String,
  val token: String,
)

/** What can stand in a header. */
private val TOKEN = Regex("[A-Za-z0-9_-]{1,200}")

private fun readCredential(value: JsonValue?): Credential {
  val json = readObject(value, "")
  return Credential(readString(json["deviceId"], "/deviceId"), readString(json["token"], "/token"))
}
