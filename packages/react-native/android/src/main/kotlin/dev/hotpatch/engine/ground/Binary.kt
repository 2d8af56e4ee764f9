package dev.hotpatch.engine.ground

import dev.hotpatch.protocol.JsonObject
import dev.hotpatch.protocol.JsonValue
import dev.hotpatch.protocol.readObject
import dev.hotpatch.protocol.readString

/** Engine §3: which app binary it is. Builds of one version, and runtimes of one build, are different binaries. */
data class Binary(val nativeVersion: String, val nativeBuild: String?, val runtimeVersion: String?)

fun binaryOf(host: HostPort): Binary = Binary(host.nativeVersion, host.nativeBuild, host.runtimeVersion)

private const val MAX_SAFE_INTEGER = 9_007_199_254_740_991

/**
 * Engine §4: when it was built; null when it does not say so, or says what cannot be. A time that is yet to come would
 * keep the device from whatever is signed until then. Asked once in a process: what is told and what is judged by agree.
 */
fun readBuiltAt(host: HostPort, now: Long): Long? = host.builtAt?.takeIf { it in 0..minOf(now, MAX_SAFE_INTEGER) }

/** @throws UnexpectedJsonException */
fun readBinary(value: JsonValue?, pointer: String): Binary {
  val json = readObject(value, pointer)
  return Binary(
    nativeVersion = readString(json["nativeVersion"], "$pointer/nativeVersion"),
    nativeBuild = readNullableString(json["nativeBuild"], "$pointer/nativeBuild"),
    runtimeVersion = readNullableString(json["runtimeVersion"], "$pointer/runtimeVersion"),
  )
}

fun writeBinary(binary: Binary): JsonObject = jsonOf(
  "nativeVersion" to binary.nativeVersion,
  "nativeBuild" to binary.nativeBuild.orJsonNull(),
  "runtimeVersion" to binary.runtimeVersion.orJsonNull(),
)
